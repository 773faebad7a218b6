/**
 * Lists of lots: their rows stay in place while a person acts in them, and the focus is kept.
 *
 * @module
 */

import { html } from "../html.js";
import { useLayoutEffect, useMemo, useRef } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { KeyPresses } from "./press.js";

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
  const presses = useMemo(() => new KeyPresses(), []);

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
    if ((event.key === "Enter" || event.key === " ") && !presses.counts(event)) event.preventDefault();
  };

  useLayoutEffect(() => {
    const lost = focused.current;
    if (!lost || lost.element.isConnected || document.activeElement !== document.body) return;
    focused.current = null;
    presses.moved();
    for (const id of lost.rows) {
      const row = lists.current?.querySelector(`[data-lot="${CSS.escape(id)}"]`);
      const next = row?.querySelector(`[data-action="${lost.action}"]`) ?? row?.querySelector('[data-action="more"]');
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
 * The button that shows what has come while the rows stay in place.
 *
 * @param {{text: string}} props
 */
export function Pill({ text }) {
  const { app } = useApp();
  const show = () => {
    document.querySelector("h1")?.focus({ preventScroll: true }); // the button goes
    app.release();
  };
  return html`<p class="pill"><button type="button" class="button button--main" onClick=${show}>${text}</button></p>`;
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
