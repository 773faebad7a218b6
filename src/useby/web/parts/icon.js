/** @module An icon, which is decoration: a text stands beside it. */

import { html } from "../html.js";
import paths from "../vendor/icons.js";

/**
 * Show an icon as one path. A `<use>` of a shared file would copy all of its elements into each place.
 *
 * @param {{name: string}} props
 */
export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${paths[name]} /></svg>`;
