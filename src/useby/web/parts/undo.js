/** @module The message after an action, with which it can be undone. */

import { html } from "../html.js";
import { withoutMessage } from "../state.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Icon } from "./icon.js";

/** Milliseconds for which a message is shown at least, and after it has lost the focus. */
const SHOWN = 12_000;
const AFTER_FOCUS = 4_000;

/**
 * Return the milliseconds after which a message that nobody points at goes.
 *
 * @param {number} age milliseconds since it was first shown
 * @param {boolean} wasKept it has had the focus or the pointer
 */
export const timeLeft = (age, wasKept) => Math.max(SHOWN - age, wasKept ? AFTER_FOCUS : 0);

/** Show the last message for twelve seconds at least, and as long as it has the focus or the pointer. */
export function UndoMessage() {
  const { app, state } = useApp();
  const { message } = state;
  const [kept, setKept] = useState(false);
  const wasKept = useRef(false);
  const shownAt = useRef(0);
  const number = message?.number ?? 0;

  useEffect(() => {
    wasKept.current = false;
    shownAt.current = performance.now();
    setKept(false);
  }, [number]);
  useEffect(() => {
    if (!number || kept) return;
    const left = timeLeft(performance.now() - shownAt.current, wasKept.current);
    const timer = setTimeout(() => app.store.update(withoutMessage, number), left);
    return () => clearTimeout(timer);
  }, [number, kept]);

  const keep = () => {
    wasKept.current = true;
    setKept(true);
  };
  const dismiss = () => {
    app.store.update(withoutMessage, number);
    document.querySelector("h1")?.focus();
  };
  return html`
    <div
      class=${`message ${message ? "message--shown" : ""} ${message?.failed ? "message--failed" : ""}`}
      role="status"
      onFocusIn=${keep}
      onFocusOut=${() => setKept(false)}
      onPointerEnter=${keep}
      onPointerLeave=${() => setKept(false)}
    >
      ${message &&
      html`
        <p key=${number}>${message.text}</p>
        ${message.undoable &&
        html`<button
          type="button"
          class="button button--quiet"
          aria-keyshortcuts="z"
          onClick=${() => {
            dismiss();
            void app.stock.actions.undo();
          }}
        >
          <${Icon} name="undo" />${app.t("undo.button")}
        </button>`}
        <button type="button" class="button button--icon" aria-label=${app.t("undo.dismiss")} onClick=${dismiss}>
          <${Icon} name="close" />
        </button>
      `}
    </div>
  `;
}
