/** @module A dialog over the page, which keeps the focus until it is closed and gives it back. */

import { html } from "../html.js";
import { useEffect, useId, useRef } from "../vendor/hooks.js";

/** @param {{title: string, onClose: () => void, children?: import("../html.js").Child}} props */
export function Dialog({ title, onClose, children }) {
  const id = useId();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  /** @param {MouseEvent} event */
  const onClick = (event) => {
    if (event.target === dialog.current) onClose(); // beside it
  };
  return html`
    <dialog ref=${dialog} class="dialog" aria-labelledby=${id} onClose=${onClose} onClick=${onClick}>
      <div class="dialog__body">
        <h2 id=${id}>${title}</h2>
        ${children}
      </div>
    </dialog>
  `;
}
