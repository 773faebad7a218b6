/** Write the modules of barcodes as JSON: `node barcode.mjs SYMBOLOGY TEXT …` prints rows of 0 and 1. */

import bwipjs from "bwip-js";

/** Height of the bars of a linear code, in modules. */
const HEIGHT = 40;

/**
 * @param {string} symbology
 * @param {string} text
 */
function rows(symbology, text) {
  const [code] = bwipjs.raw(symbology, text, {});
  if (code.pixs) {
    return Array.from({ length: code.pixy }, (_, y) => code.pixs.slice(y * code.pixx, (y + 1) * code.pixx));
  }
  const row = code.sbs.flatMap((width, index) => Array(width).fill(index % 2 ? 0 : 1));
  return Array(HEIGHT).fill(row);
}

const [, , ...words] = process.argv;
const codes = [];
for (let index = 0; index < words.length; index += 2) codes.push(rows(words[index], words[index + 1]));
console.log(JSON.stringify(codes));
