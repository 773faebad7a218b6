/**
 * Markup in JavaScript: `html` builds virtual nodes, which Preact compares and shows.
 *
 * Values become text or properties, never markup.
 *
 * @module
 */

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => import("./vendor/preact.js").VNode} */
export const html = htm.bind(h);

/** @typedef {import("./vendor/preact.js").Child} Child */
/** @typedef {import("./vendor/preact.js").VNode} VNode */
