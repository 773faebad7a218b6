/** @module A part of a long list, which the browser lays out only while it is near the screen. */

import { html } from "../html.js";
import { roleOf } from "../state/household.js";
import { Component } from "../vendor/preact.js";

/** @typedef {import("../state.js").State} State */

/** Rows of a part: they are laid out together, which takes less than the time of a frame. */
const ROWS = 10;

/**
 * Divide a list into parts.
 *
 * @param {readonly string[]} ids
 */
export function chunksOf(ids) {
  const chunks = [];
  for (let from = 0; from < ids.length; from += ROWS) chunks.push(ids.slice(from, from + ROWS));
  return chunks;
}

/**
 * Return true if the row of a lot shows something else.
 *
 * @param {string} id
 * @param {State} before
 * @param {State} after
 */
export const lotHasChanged = (id, before, after) =>
  before.lots.get(id) !== after.lots.get(id) || before.pending.get(id) !== after.pending.get(id);

/**
 * @typedef {object} Props
 * @property {State} state
 * @property {readonly string[]} ids of lots or of products
 * @property {(id: string, state: State) => import("../html.js").Child} row renders what belongs to an id
 * @property {(id: string, before: State, after: State) => boolean} hasChanged
 * @property {ReadonlySet<string>} [selected] ids whose rows are selected
 */

/**
 * Some rows of a list; they are compared again only if what one of them shows has changed.
 *
 * @extends {Component<Props>}
 */
export class Chunk extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const { ids, state, selected } = /** @type {Props} */ (this.props);
    return (
      next.state.today !== state.today ||
      next.state.zone !== state.zone ||
      roleOf(next.state) !== roleOf(state) ||
      next.state.refused !== state.refused ||
      next.ids.length !== ids.length ||
      next.ids.some(
        (id, index) =>
          id !== ids[index] ||
          next.selected?.has(id) !== selected?.has(id) ||
          next.hasChanged(id, state, next.state),
      )
    );
  }

  render() {
    const { state, ids, row } = /** @type {Props} */ (this.props);
    const isFull = ids.length === ROWS;
    return html`<div class=${`lots__part ${isFull ? "lots__part--full" : ""}`}>${ids.map((id) => row(id, state))}</div>`;
  }
}

/**
 * Show the rows of a list, which is one list however many parts it has.
 *
 * @param {Props & {kind?: string}} props `kind` is a class of the list
 */
export const LongList = ({ kind = "", ids, ...shown }) =>
  ids.length > 0 &&
  html`
    <div class=${`lots ${kind}`} role="list">
      ${chunksOf(ids).map((chunk, index) => html`<${Chunk} key=${index} ids=${chunk} ...${shown} />`)}
    </div>
  `;
