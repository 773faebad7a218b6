/** @module A QR code, which is drawn in the browser: no service receives its text. */

import { html } from "../html.js";
import { pathOf } from "../qr.js";
import { useMemo } from "../vendor/hooks.js";

/** Modules of white around the code, by which a camera finds its edge. */
const QUIET = 4;

/** @param {{text: string, label: string}} props */
export function QrCode({ text, label }) {
  const { size, path } = useMemo(() => pathOf(text), [text]);
  const width = size + 2 * QUIET;
  return html`
    <svg class="qr" role="img" aria-label=${label} viewBox=${`${-QUIET} ${-QUIET} ${width} ${width}`} shape-rendering="crispEdges">
      <rect class="qr__ground" x=${-QUIET} y=${-QUIET} width=${width} height=${width} />
      <path class="qr__dark" d=${path} />
    </svg>
  `;
}
