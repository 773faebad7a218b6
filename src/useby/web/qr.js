/**
 * QR codes as the path of a drawing.
 *
 * @module
 */

import { correction, generate } from "./vendor/lean_qr.js";

/**
 * Return the size of a text's QR code, in modules, and the path of its dark ones.
 *
 * @param {string} text
 */
export function pathOf(text) {
  const code = generate(text, { minCorrectionLevel: correction.M });
  const rows = [];
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) {
      const from = x;
      while (x < code.size && code.get(x, y)) x += 1;
      if (x > from) rows.push(`M${from} ${y}h${x - from}v1H${from}z`);
    }
  }
  return { size: code.size, path: rows.join("") };
}
