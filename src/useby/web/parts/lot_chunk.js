/** @module A part of a long list of lots, which the browser lays out only while it is near the screen. */

import { html } from "../html.js";
import { roleOf } from "../state/household.js";
import { asShown } from "../state/lots.js";
import { Component } from "../vendor/preact.js";
import { LotRow } from "./lot_row.js";

/** @typedef {import("../state.js").State} State */

/** Rows of a part: few enough to be laid out at once, and so many that 5,000 rows have few parts. */
const ROWS = 50;

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
 * @typedef {object} Props
 * @property {import("./context.js").App} app
 * @property {State} state
 * @property {readonly string[]} ids
 * @property {(lot: import("../types.js").KeptLot) => void} onMore
 */

/**
 * Rows of lots; they are compared again only if one of them has changed.
 *
 * @extends {Component<Props>}
 */
export class LotChunk extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const { ids, state } = /** @type {Props} */ (this.props);
    return (
      next.state.today !== state.today ||
      next.state.zone !== state.zone ||
      roleOf(next.state) !== roleOf(state) ||
      next.state.refused !== state.refused ||
      next.ids.length !== ids.length ||
      next.ids.some(
        (id, index) =>
          id !== ids[index] ||
          next.state.lots.get(id) !== state.lots.get(id) ||
          next.state.pending.get(id) !== state.pending.get(id),
      )
    );
  }

  render() {
    const { app, state, ids, onMore } = /** @type {Props} */ (this.props);
    return html`
      <ul class=${`lots ${ids.length === ROWS ? "lots--full" : ""}`} role="list">
        ${ids.map((id) => {
          const lot = state.lots.get(id);
          return (
            lot &&
            html`<${LotRow}
              key=${id}
              app=${app}
              lot=${asShown(lot, state.pending.get(id))}
              today=${state.today}
              zone=${state.zone}
              role=${roleOf(state)}
              refused=${state.refused === id}
              onMore=${onMore}
            />`
          );
        })}
      </ul>
    `;
  }
}
