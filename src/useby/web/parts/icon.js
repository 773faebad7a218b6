/** @module One icon of the sprite, which is decoration: a text stands beside it. */

import { html } from "../html.js";

const SPRITE = new URL("../vendor/icons.svg", import.meta.url).href;

/** @param {{name: string}} props */
export const Icon = ({ name }) => html`
  <svg class="icon" aria-hidden="true" focusable="false"><use href=${`${SPRITE}#${name}`} /></svg>
`;
