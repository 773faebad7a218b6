/**
 * Keystrokes of a hardware scanner, which is a keyboard that types a code faster than a person can and
 * ends it with Enter or Tab. Pure: the time of a key is that of its event.
 *
 * @module
 */

/** Maximum milliseconds between two keys; wired scanners need 1 to 10, wireless ones up to 40. */
const GAP = 50;
/** Minimum number of characters; over a few keys a person's fingers can roll as fast. */
const SHORTEST = 6;
/** The character for the symbol FNC1 between two elements of a GS1 code. */
const SEPARATOR = "\u001d";
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "CapsLock"]);

/** @typedef {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "metaKey" | "repeat" | "timeStamp">} Key */

/**
 * @typedef {object} Burst characters that have come in quick succession
 * @property {string} text
 * @property {number} at time of the last key in milliseconds
 */

/** @type {Burst} */
export const NO_BURST = { text: "", at: -Infinity };

/**
 * Add a key to a burst.
 *
 * @param {Burst} burst
 * @param {Key} key
 * @returns {{burst: Burst, begins: boolean, code: string}} the next burst; `begins` is true for its first
 *   character, and `code` is the scanned code if the key ends one, or empty
 */
export function afterKey(burst, key) {
  const at = key.timeStamp;
  const goesOn = at - burst.at <= GAP;
  if (MODIFIERS.has(key.key)) return { burst: goesOn ? { ...burst, at } : NO_BURST, begins: false, code: "" };
  if (key.key === "Enter" || key.key === "Tab") {
    const isCode = goesOn && burst.text.length >= SHORTEST;
    return { burst: NO_BURST, begins: false, code: isCode ? burst.text : "" };
  }
  const character = key.repeat ? "" : characterOf(key);
  if (!character) return { burst: NO_BURST, begins: false, code: "" };
  const text = goesOn ? burst.text + character : character;
  return { burst: { text, at }, begins: text === character, code: "" };
}

/**
 * Return the character of a key, or an empty text. Scanners send FNC1 as U+001D, as Ctrl+] or as F8.
 *
 * @param {Key} key
 */
function characterOf({ key, code, ctrlKey, altKey, metaKey }) {
  if (key === "F8" || (ctrlKey && !altKey && (key === "]" || code === "BracketRight"))) return SEPARATOR;
  const isCommand = metaKey || ctrlKey !== altKey; // both are AltGr
  return !isCommand && [...key].length === 1 ? key : "";
}
