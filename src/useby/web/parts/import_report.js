/** @module The report of a dry run: columns, dates, and rows that are bad. */

import { longDate } from "../dates.js";
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Choice, Radios } from "./field.js";

/** @typedef {import("../types.js").Finding} Finding */
/** @typedef {import("../types.js").ImportOptions} ImportOptions */

/** Names of the columns that the node reads. */
export const COLUMNS = /** @type {const} */ ([
  "name",
  "expiryDate",
  "quantity",
  "unit",
  "category",
  "location",
  "barcode",
  "barcodes",
  "dateKind",
  "notes",
  "price",
  "receivedOn",
  "lotNumber",
  "serial",
  "minimumStock",
  "state",
  "stateSince",
  "shelfLife",
  "afterOpening",
  "afterFreezing",
  "afterThawing",
  "leadDays",
  "externalId",
]);
/** Number of bad values, and of warnings, that are shown. */
const SHOWN = 50;
/** A date that has two readings. */
const EXAMPLE = { text: "03/04/2027", dmy: "2027-04-03", mdy: "2027-03-04" };

/**
 * @param {{file: File, report: import("../types.js").ImportReport, isReady: boolean,
 *   options: ImportOptions, onChange: (options: ImportOptions) => void}} props
 */
export function ImportReport({ file, report, isReady, options, onChange }) {
  const { t } = useApp().app;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus(), [file]); // the field of the choice is gone
  const { added, changed, unchanged, bad, warnings } = report;
  const hasTable = Object.keys(report.columns).length > 0;
  const canSkip = options.skipBad || bad.some(({ line }) => line !== null);
  return html`
    <h3 ref=${heading} tabindex="-1"><bdi>${file.name || t("import.pasted")}</bdi></h3>
    ${isReady && html`<p>${t("import.counts", { added, changed, unchanged })}</p>`}
    <${Findings} title=${t("import.bad", { n: bad.length })} findings=${bad} isOpen=${true} />
    ${canSkip &&
    html`<label class="check">
      <input type="checkbox" checked=${options.skipBad} onChange=${() => onChange({ ...options, skipBad: !options.skipBad })} />
      <span>${t("import.skip-bad")}</span>
    </label>`}
    ${hasTable && html`<${Columns} report=${report} options=${options} onChange=${onChange} />`}
    ${hasTable && html`<${Order} report=${report} options=${options} onChange=${onChange} />`}
    <${Dates} dates=${report.dates} />
    <${Findings} title=${t("import.warnings", { n: warnings.length })} findings=${warnings} isOpen=${false} />
  `;
}

/** @typedef {{report: import("../types.js").ImportReport, options: ImportOptions, onChange: (options: ImportOptions) => void}} Choosing */

/**
 * A picker for each column of the file.
 *
 * @param {Choosing} props
 */
function Columns({ report, options, onChange }) {
  const { t } = useApp().app;
  const choices = [["", t("import.column.none")], ...COLUMNS.map((each) => [each, t(`import.column.${each}`)])];
  return html`
    <fieldset class="import__part">
      <legend>${t("import.columns")}</legend>
      <div class="grid">
        ${Object.entries(report.columns).map(
          ([theirs, ours]) => html`
            <${Choice}
              key=${theirs}
              label=${theirs}
              value=${options.columns[theirs] ?? ours ?? ""}
              choices=${choices}
              onChange=${(/** @type {string} */ chosen) => onChange({ ...options, columns: { ...options.columns, [theirs]: chosen } })}
            />
          `,
        )}
      </div>
    </fieldset>
  `;
}

/**
 * The order of day and month, as the node has understood it or as a person chooses it.
 *
 * @param {Choosing} props
 */
function Order({ report, options, onChange }) {
  const { app } = useApp();
  const { t } = app;
  const { dateOrder, dateOrderLine: line } = report;
  const why = options.order ? "" : line !== null ? t("import.order.line", { line }) : dateOrder ? "" : t("import.order.open");
  /** @param {"dmy" | "mdy"} order */
  const meaning = (order) => t(`import.order.${order}`, { text: EXAMPLE.text, date: longDate(EXAMPLE[order], app.language, "UTC") });
  return html`
    <div class="import__part">
      <${Radios}
        label=${t("import.order")}
        name="order"
        value=${options.order || dateOrder || ""}
        onChange=${(/** @type {string} */ order) => onChange({ ...options, order })}
        choices=${[["dmy", meaning("dmy")], ["mdy", meaning("mdy")]]}
      />
      ${why && html`<p class="hint">${why}</p>`}
    </div>
  `;
}

/**
 * The first dates of the file, each as the node has understood it.
 *
 * @param {{dates: import("../types.js").ImportReport["dates"]}} props
 */
function Dates({ dates }) {
  const { app } = useApp();
  const { t } = app;
  if (!dates.length) return null;
  return html`
    <div class="import__part">
      <p id="import-dates">${t("import.dates")}</p>
      <ul class="story" role="list" aria-labelledby="import-dates">
        ${dates.map(
          ({ line, text, date }) => html`
            <li>
              <p>
                ${t("import.line", { line })}: <q><bdi>${text}</bdi></q> ${date === null ? t("add.never") : longDate(date, app.language, app.store.state.zone)}
              </p>
            </li>
          `,
        )}
      </ul>
    </div>
  `;
}

/** @param {{title: string, findings: readonly Finding[], isOpen: boolean}} props */
function Findings({ title, findings, isOpen }) {
  const { t } = useApp().app;
  if (!findings.length) return null;
  const more = findings.length - SHOWN;
  return html`
    <details class="fold findings" open=${isOpen}>
      <summary>${title}</summary>
      <ul role="list" tabindex="0" aria-label=${title}>
        ${findings.slice(0, SHOWN).map(
          ({ line, column, value, message }) => html`
            <li class="finding">
              <p class="finding__place">
                ${line === null ? t("import.whole") : t("import.line", { line })}${column && html`, ${columnName(t, column)}`}
                ${value !== null && html`: <q><bdi>${value}</bdi></q>`}
              </p>
              <p>${message}</p>
            </li>
          `,
        )}
      </ul>
      ${more > 0 && html`<p class="hint">${t("import.more", { n: more })}</p>`}
    </details>
  `;
}

/**
 * Return the name of a column in the person's language.
 *
 * @param {import("../text.js").Translate} t
 * @param {string} column
 */
function columnName(t, column) {
  const known = COLUMNS.find((each) => each === column);
  return known ? t(`import.column.${known}`) : column;
}
