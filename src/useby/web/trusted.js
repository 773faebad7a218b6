/**
 * Addresses of our own scripts for workers. The page's Trusted Types allow no other.
 *
 * @module
 */

const WORKERS = ["scan_worker.js", "sw.js"];

/**
 * @typedef {object} Policy
 * @property {(name: string) => URL} createScriptURL returns a TrustedScriptURL where there is one
 */

/** @type {{trustedTypes?: {createPolicy: (name: string, rules: {createScriptURL: (name: string) => string}) => Policy}}} */
const { trustedTypes } = /** @type {{}} */ (globalThis);

/** @param {string} name */
function createScriptURL(name) {
  if (!WORKERS.includes(name)) throw new TypeError(name);
  return new URL(name, import.meta.url).href;
}

/** @type {Policy} */
const policy = trustedTypes?.createPolicy("useby", { createScriptURL }) ?? {
  createScriptURL: (name) => new URL(createScriptURL(name)),
};

/**
 * Return the address of a worker's script.
 *
 * @param {string} name
 */
export const workerUrl = (name) => policy.createScriptURL(name);
