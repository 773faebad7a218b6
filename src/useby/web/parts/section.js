/** @module A section of a view, named by its heading. */

import { html } from "../html.js";

/** @param {{name: string, title: string, children?: import("../html.js").Child}} props */
export const Section = ({ name, title, children }) => html`
  <section class="setting" aria-labelledby=${`section-${name}`}>
    <h2 id=${`section-${name}`}>${title}</h2>
    ${children}
  </section>
`;
