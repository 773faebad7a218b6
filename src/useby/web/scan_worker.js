/**
 * Reads barcodes off the main thread. The node allows WebAssembly to this script and not to the page.
 *
 * @module
 */

import { prepareZXingModule, readBarcodes } from "./vendor/zxing_reader.js";

const FORMATS = ["EANUPC", "Code128", "DataBar", "DataMatrix", "QRCode"];
const wasm = new URL("./vendor/zxing_reader.wasm", import.meta.url).href;

/** Answers null once the library is loaded, and a picture with the texts of its barcodes. */
onmessage = async (/** @type {MessageEvent<ImageData | null>} */ { data }) => {
  try {
    await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
    postMessage(data && (await codesIn(data)));
  } catch (error) {
    reportError(error); // the page's `onerror`
  }
};

/**
 * Return each code as a scanner sends it: a symbology identifier, and FNC1 as U+001D.
 *
 * @param {ImageData} picture
 */
async function codesIn(picture) {
  const found = await readBarcodes(picture, { formats: FORMATS, textMode: "Plain", maxNumberOfSymbols: 4 });
  return found.filter(({ isValid }) => isValid).map(({ symbologyIdentifier, text }) => symbologyIdentifier + text);
}
