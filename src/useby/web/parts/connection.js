/** @module The state of the connection. */

import { html } from "../html.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Icon } from "./icon.js";

/** @typedef {"live" | "reconnecting" | "offline" | "out" | ""} Shown empty while the first attempt runs */

/**
 * Return what is shown of a connection. Nothing is claimed before the first attempt has ended.
 *
 * @param {object} given
 * @param {boolean} given.signedIn
 * @param {import("../state.js").Connection["name"]} given.name
 * @param {boolean} given.isFirst no attempt has ended since the sign-in
 * @param {boolean} given.isOnline the device has a network
 * @returns {Shown}
 */
export function shownOf({ signedIn, name, isFirst, isOnline }) {
  if (!signedIn) return "out";
  if (name === "connected") return "live";
  if (!isOnline) return "offline";
  return isFirst ? "" : "reconnecting";
}

/** Show `Live`, `Reconnecting in n s`, `Offline` or `Signed out`. */
export function ConnectionStatus() {
  const { app, state } = useApp();
  const { t } = app;
  const { signedIn } = state;
  const { name, wait } = state.connection;
  const left = useCountdown(name === "waiting" ? wait : null);
  const isFirst = useRef(true);
  if (!signedIn || name === "idle") isFirst.current = true;
  else if (name !== "connecting") isFirst.current = false;
  const shown = shownOf({ signedIn, name, isFirst: isFirst.current, isOnline: navigator.onLine });
  // A countdown would be read each second. How old the page is, is announced by `notice.js`.
  return html`
    <div
      class=${`connection connection--${signedIn ? name : "out"}`}
      role="status"
      aria-label=${t("connection.name")}
      aria-live=${shown === "reconnecting" ? "off" : "polite"}
    >
      ${shown === "live" && html`<span class="connection__dot" />`}
      ${(shown === "offline" || shown === "reconnecting") && html`<${Icon} name="offline" />`}
      <span>${shown && t(`connection.${shown}`, { seconds: left })}</span>
    </div>
  `;
}

/**
 * Count seconds down to 1.
 *
 * @param {number | null} seconds
 * @returns {number} 0 if there is nothing to wait for
 */
function useCountdown(seconds) {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (seconds === null) return setLeft(0);
    const end = Date.now() + seconds * 1000;
    const show = () => setLeft(Math.max(1, Math.ceil((end - Date.now()) / 1000)));
    show();
    const timer = setInterval(show, 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return left || Math.ceil(seconds ?? 0);
}
