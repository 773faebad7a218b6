/**
 * Lists of lots: their rows stay in place while a person acts in them, and the focus is kept.
 *
 * @module
 */

import { html } from "../html.js";
import { useLayoutEffect, useRef } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/**
 * Hold the rows within while a person points at them or presses keys, and give the focus to the next
 * row if the row that has it goes.
 *
 * @param {{children?: import("../html.js").Child}} props
 */
export function Lists({ children }) {
  const { app } = useApp();
  const lists = useRef(/** @type {HTMLElement | null} */ (null));
  /** @type {{current: {element: HTMLElement, action: string, rows: string[]} | null}} */
  const focused = useRef(null);

  /** @param {FocusEvent} event */
  const onFocusIn = ({ target }) => {
    app.hold();
    if (!(target instanceof HTMLElement)) return;
    const row = target.closest("[data-lot]");
    focused.current = row
      ? { element: target, action: target.dataset.action ?? "", rows: rowsAround(lists.current, row) }
      : null;
  };
  /** @param {FocusEvent} event */
  const onFocusOut = ({ target }) => {
    const isRemoved = () => target instanceof HTMLElement && !target.isConnected;
    queueMicrotask(() => {
      if (focused.current?.element === target && !isRemoved()) focused.current = null;
    });
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    app.hold();
    // A key that is held down acts once, and not on each row that moves up.
    if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
  };

  useLayoutEffect(() => {
    const lost = focused.current;
    if (!lost || lost.element.isConnected || document.activeElement !== document.body) return;
    focused.current = null;
    for (const id of lost.rows) {
      const row = lists.current?.querySelector(`[data-lot="${CSS.escape(id)}"]`);
      const next = row?.querySelector(`[data-action="${lost.action}"]`) ?? row?.querySelector("button");
      if (next instanceof HTMLElement) return next.focus();
    }
    document.querySelector("h1")?.focus();
  });

  return html`
    <div
      ref=${lists}
      onPointerDown=${() => app.hold()}
      onPointerMove=${() => app.hold()}
      onKeyDown=${onKeyDown}
      onFocusIn=${onFocusIn}
      onFocusOut=${onFocusOut}
    >
      ${children}
    </div>
  `;
}

/**
 * Return the ids of a row, of those after it, and of those before it, nearest first.
 *
 * @param {HTMLElement | null} lists
 * @param {Element} row
 */
function rowsAround(lists, row) {
  const rows = [...(lists?.querySelectorAll("[data-lot]") ?? [])];
  const at = rows.indexOf(row);
  const near = [...rows.slice(at, at + 10), ...rows.slice(Math.max(0, at - 10), at).reverse()];
  return near.map((each) => each.getAttribute("data-lot") ?? "");
}
