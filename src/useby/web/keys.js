/**
 * Single keys that act anywhere on the page: `a` opens Add, `z` undoes. They can be switched off
 * (WCAG 2.1.4), and do nothing while a person types or a dialog is open.
 *
 * @module
 */

const OFF = "useby.shortcutsOff";

export const shortcutsOn = () => localStorage.getItem(OFF) === null;

/** @param {boolean} on */
export function setShortcuts(on) {
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "1");
}

/**
 * Return true if a key is pressed as a shortcut.
 *
 * @param {KeyboardEvent} event
 */
export function isShortcut({ target, ctrlKey, metaKey, altKey, repeat, defaultPrevented }) {
  if (ctrlKey || metaKey || altKey || repeat || defaultPrevented || !shortcutsOn()) return false;
  if (document.querySelector("dialog[open]")) return false;
  return !(target instanceof HTMLElement && (target.matches("select, textarea") || isTyped(target)));
}

/**
 * Return true if keys put text into an element.
 *
 * @param {HTMLElement} target
 */
export const isTyped = (target) =>
  target.isContentEditable || (target instanceof HTMLInputElement && !/^(checkbox|radio|button)$/.test(target.type));
