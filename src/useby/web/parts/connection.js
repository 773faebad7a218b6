/** @module The state of the connection. */

import { html } from "../html.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Icon } from "./icon.js";

/** Show `Live`, `Reconnecting in n s`, `Offline` or `Signed out`. */
export function ConnectionStatus() {
  const { app, state } = useApp();
  const { name, wait, blocked } = state.connection;
  const left = useCountdown(name === "waiting" ? wait : null);
  const { t } = app;
  const text = !state.signedIn
    ? t("connection.out")
    : name === "connected"
      ? t("connection.live")
      : blocked
        ? t("connection.blocked")
        : !navigator.onLine
          ? t("connection.offline")
          : left !== null
            ? t("connection.reconnecting", { seconds: left })
            : name === "waiting"
              ? t("connection.offline")
              : t("connection.connecting");
  // A countdown is read once, and not every second.
  return html`
    <div
      class=${`connection connection--${state.signedIn ? name : "out"}`}
      role="status"
      aria-label=${t("connection.name")}
      aria-live=${name === "waiting" ? "off" : "polite"}
    >
      ${name === "connected" && state.signedIn ? html`<span class="connection__dot" />` : state.signedIn && html`<${Icon} name="offline" />`}
      <span>${text}</span>
    </div>
  `;
}

/**
 * Count seconds down to 1.
 *
 * @param {number | null} seconds
 */
function useCountdown(seconds) {
  const [left, setLeft] = useState(/** @type {number | null} */ (null));
  useEffect(() => {
    if (seconds === null) return setLeft(null);
    const end = Date.now() + seconds * 1000;
    const show = () => setLeft(Math.max(1, Math.ceil((end - Date.now()) / 1000)));
    show();
    const timer = setInterval(show, 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return left;
}
