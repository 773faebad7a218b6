/**
 * Reads the barcodes in pictures of a video: by the browser, or else by a library in a worker.
 *
 * @module
 */

import { workerUrl } from "./trusted.js";

/** @typedef {{read: (video: HTMLVideoElement) => Promise<string[]>, close: () => void}} Reader */

/** @typedef {{rawValue: string, format: string}} Detected */
/**
 * @typedef {object} Detector
 * @property {(source: HTMLVideoElement) => Promise<Detected[]>} detect
 */
/**
 * @typedef {object} DetectorClass
 * @property {() => Promise<string[]>} getSupportedFormats
 */

const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e", "code_128", "data_matrix", "qr_code"];

/**
 * Return the browser's own reader if it reads all formats, or else the library's.
 *
 * @returns {Promise<Reader>}
 */
export async function openReader() {
  /** @type {{BarcodeDetector?: DetectorClass & (new (options: {formats: string[]}) => Detector)}} */
  const { BarcodeDetector } = /** @type {{}} */ (globalThis);
  const supported = await BarcodeDetector?.getSupportedFormats().catch(() => /** @type {string[]} */ ([]));
  if (!BarcodeDetector || !FORMATS.every((each) => supported?.includes(each))) return openLibrary();
  const detector = new BarcodeDetector({ formats: FORMATS });
  return { read: async (video) => (await detector.detect(video)).map(textOf), close: () => {} };
}

/**
 * Return the text of a code as a scanner sends it. Eight digits of EAN-8 and of UPC-E are told apart.
 *
 * @param {Detected} code
 */
const textOf = ({ rawValue, format }) => (format === "ean_8" ? `]E4${rawValue}` : rawValue);

/** @returns {Promise<Reader>} */
async function openLibrary() {
  const worker = new Worker(workerUrl("scan_worker.js"), { type: "module" });
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new TypeError("canvas");
  /** @param {ImageData | null} picture */
  const ask = (picture) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new TypeError(event.message));
      worker.postMessage(picture, picture ? [picture.data.buffer] : []);
    });
  try {
    await ask(null); // it has loaded the library
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    close: () => worker.terminate(),
    read: async (video) => {
      const { videoWidth, videoHeight } = video;
      if (!videoWidth) return [];
      Object.assign(canvas, { width: videoWidth, height: videoHeight });
      context.drawImage(video, 0, 0);
      return /** @type {string[]} */ (await ask(context.getImageData(0, 0, videoWidth, videoHeight)));
    },
  };
}

/**
 * Return the codes that two consecutive pictures contain. Bars that are blurred are sometimes misread, but
 * not twice in the same way. A number that is also part of another code, and a link beside a code, are
 * left out.
 *
 * @param {readonly string[]} before
 * @param {readonly string[]} now
 */
export function agreed(before, now) {
  const both = [...new Set(now)].filter((each) => before.includes(each));
  const numbers = both.filter((each) => !/^https?:/i.test(numberIn(each)));
  const codes = numbers.length ? numbers : both;
  return codes.filter((each) => !codes.some((other) => other !== each && other.includes(numberIn(each))));
}

/** @param {string} code */
const numberIn = (code) => code.replace(/^\][A-Za-z][0-9A-Za-z]/, "");
