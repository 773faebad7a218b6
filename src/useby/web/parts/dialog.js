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
  const isBeside = useRef(false); // the press began beside the dialog: the selection of a text may end there
  /** @param {PointerEvent} event */
  const onPointerDown = ({ target }) => {
    isBeside.current = target === dialog.current;
  };
  /** @param {MouseEvent} event */
  const onClick = ({ target }) => {
    if (isBeside.current && target === dialog.current) onClose();
  };
  return html`
    <dialog ref=${dialog} class="dialog" aria-labelledby=${id} onClose=${onClose} onPointerDown=${onPointerDown} onClick=${onClick}>
      <div class="dialog__body">
        <h2 id=${id}>${title}</h2>
        ${children}
      </div>
    </dialog>
  `;
}
