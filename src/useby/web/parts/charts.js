/**
 * Charts as SVG. Each stands with its table, and the numbers are also in its labels.
 *
 * Places across are per cents, so a chart is as wide as the screen and its text keeps its size.
 *
 * @module
 */

import { html } from "../html.js";
import { useId } from "../vendor/hooks.js";

/**
 * @typedef {object} Column
 * @property {readonly [string, string]} label two lines below the column
 * @property {string} title
 * @property {number} up
 * @property {number} [down]
 */

/** Heights in pixels: of all columns, of a number above or below them, of the two lines of labels. */
const COLUMNS = 140;
const NUMBER = 18;
const LABELS = 34;
/** Minimum height of a column that is not zero. */
const LEAST = 2;

/**
 * Columns above a line, and those of a second series below it.
 *
 * @param {{label: string, columns: readonly Column[], language: string}} props
 */
export function Columns({ label, columns, language }) {
  const id = useId();
  const number = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const highest = Math.max(...columns.map(({ up }) => up));
  const deepest = Math.max(...columns.map(({ down }) => down ?? 0));
  const unit = COLUMNS / Math.max(1, highest + deepest);
  const line = NUMBER + highest * unit;
  const bottom = line + deepest * unit + (deepest ? NUMBER : 0);
  const width = 100 / columns.length;
  /** @param {number} value */
  const heightOf = (value) => (value ? Math.max(LEAST, value * unit) : 0);
  return html`
    <svg class="chart" role="img" aria-label=${label} height=${bottom + LABELS}>
      <${Hatching} id=${id} />
      ${columns.map(({ label: [first, second], title, up, down = 0 }, index) => {
        const middle = `${(index + 0.5) * width}%`;
        const bar = { x: `${(index + 0.16) * width}%`, width: `${0.68 * width}%`, rx: 2 };
        return html`
          <g>
            <title>${title}</title>
            <rect class="chart__used" ...${bar} y=${line - heightOf(up)} height=${heightOf(up)} />
            <rect fill=${`url(#${id})`} ...${bar} y=${line} height=${heightOf(down)} />
            ${up > 0 && html`<text class="chart__number" x=${middle} y=${line - heightOf(up) - 5}>${number.format(up)}</text>`}
            ${down > 0 && html`<text class="chart__number" x=${middle} y=${line + heightOf(down) + 14}>${number.format(down)}</text>`}
            <text class="chart__label" x=${middle} y=${bottom + 15}>${first}</text>
            <text class="chart__label" x=${middle} y=${bottom + 30}>${second}</text>
          </g>
        `;
      })}
      <line class="chart__line" x1="0" x2="100%" y1=${line} y2=${line} />
    </svg>
  `;
}

/**
 * One bar of two parts, as long as its sum of the longest one.
 *
 * @param {{used: number, thrown: number, longest: number}} props
 */
export function Bar({ used, thrown, longest }) {
  const id = useId();
  const [first, second] = [used, thrown].map((each) => (100 * each) / Math.max(1, longest));
  return html`
    <svg class="chart chart--bar" aria-hidden="true" height="14">
      <${Hatching} id=${id} />
      <rect class="chart__used" width=${`${first}%`} height="14" />
      <rect fill=${`url(#${id})`} x=${`${first}%`} width=${`${second}%`} height="14" />
    </svg>
  `;
}

/** The pattern of what was thrown away: stripes, so that colour is not the only difference. */
const Hatching = (/** @type {{id: string}} */ { id }) => html`
  <pattern id=${id} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect class="chart__ground" width="5" height="5" />
    <rect class="chart__thrown" width="3" height="5" />
  </pattern>
`;

/** @param {{items: readonly {text: string, isThrown?: boolean}[]}} props */
export const Legend = ({ items }) => html`
  <ul class="legend" role="list">
    ${items.map(({ text, isThrown }) => html`<li><${Bar} used=${isThrown ? 0 : 1} thrown=${isThrown ? 1 : 0} longest=${1} />${text}</li>`)}
  </ul>
`;

/**
 * A table that opens; a column without any value is left out.
 *
 * @param {{summary: string, caption: string, heads: readonly string[], rows: readonly (readonly (string | null)[])[]}} props
 */
export function FoldedTable({ summary, caption, heads, rows }) {
  const id = useId();
  const shown = heads.map((_, index) => rows.some((row) => row[index] !== null));
  return html`
    <details class="fold">
      <summary>${summary}<span class="unseen">: ${caption}</span></summary>
      <div class="numbers" role="group" aria-labelledby=${id} tabindex="0">
        <table>
          <caption class="unseen" id=${id}>${caption}</caption>
          <thead>
            <tr>${heads.map((head, index) => shown[index] && html`<th scope="col">${head}</th>`)}</tr>
          </thead>
          <tbody>
            ${rows.map(
              (row) => html`
                <tr>
                  <th scope="row"><bdi>${row[0]}</bdi></th>
                  ${row.map((cell, index) => index > 0 && shown[index] && html`<td>${cell ?? "–"}</td>`)}
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </details>
  `;
}
