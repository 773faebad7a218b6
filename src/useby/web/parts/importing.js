/** @module Files that are dropped or pasted anywhere on the page, and the dialog that imports them. */

import { html } from "../html.js";
import { withFields } from "../state.js";
import { may } from "../state/household.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/** @typedef {typeof import("./import_dialog.js").ImportDialog} ImportDialog */

/** Open the dialog `Import` for each file that is dropped or pasted, or when a button opens it. */
export function Importing() {
  const { app, state } = useApp();
  const { importing } = state;
  const [isOver, setOver] = useState(false);
  const [loaded, setLoaded] = useState(/** @type {{Dialog: ImportDialog | null}} */ ({ Dialog: null }));

  useEffect(() => {
    /** @param {File} file */
    const open = (file) => {
      const { importing: present } = app.store.state;
      if (!may(app.store.state, "change")) return;
      if (present || !document.querySelector("dialog[open]")) app.store.update(withFields, { importing: { file } });
    };
    return onFiles(open, setOver);
  }, []);
  useEffect(() => {
    if (!importing || loaded.Dialog) return;
    // Most people import once: the first load does not contain the dialog.
    void app.attempt(async () => setLoaded({ Dialog: (await import("./import_dialog.js")).ImportDialog }));
  }, [importing]);

  const close = () => app.store.update(withFields, { importing: null });
  const { Dialog } = loaded;
  return html`
    ${isOver && html`<div class="drop" aria-hidden="true"><p>${app.t("import.drop")}</p></div>`}
    ${importing && Dialog && html`<${Dialog} file=${importing.file} onClose=${close} />`}
  `;
}

/**
 * Call a function for each file that is dropped on the page or pasted outside of a field.
 *
 * @param {(file: File) => void} onFile
 * @param {(isOver: boolean) => void} onOver called while a file is dragged over the page
 * @returns {() => void} a function that ends this
 */
function onFiles(onFile, onOver) {
  const ending = new AbortController();
  const { signal } = ending;
  /** @param {DragEvent} event */
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    onOver(true);
  };
  /** @param {DragEvent} event */
  const drop = (event) => {
    const file = event.dataTransfer?.files[0];
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    onOver(false);
    if (file) onFile(file);
  };
  /** @param {DragEvent} event */
  const leave = ({ relatedTarget }) => {
    if (!relatedTarget) onOver(false); // the pointer has left the window
  };
  /** @param {ClipboardEvent} event */
  const paste = (event) => {
    const file = pastedFile(event);
    if (!file) return;
    event.preventDefault();
    onFile(file);
  };
  addEventListener("dragover", over, { signal });
  addEventListener("drop", drop, { signal });
  addEventListener("dragleave", leave, { signal });
  addEventListener("paste", paste, { signal });
  return () => ending.abort();
}

/**
 * Return the file, or the table as a file, that is pasted; null for a text in a field.
 *
 * @param {ClipboardEvent} event
 */
function pastedFile({ clipboardData, target }) {
  const [file] = clipboardData?.files ?? [];
  if (file) return file;
  if (target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]")) return null;
  const text = clipboardData?.getData("text/plain") ?? "";
  return /[\t;,{[]/.test(text) && /\n/.test(text.trim()) ? textFile(text) : null;
}

/** @param {string} text */
export const textFile = (text) => new File([text], "", { type: "text/plain" });
