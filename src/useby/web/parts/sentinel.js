/** @module The end of a list: loads the next page before it is reached. */

import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useApp } from "./context.js";

/**
 * Heights of the screen before the end at which the next page is loaded. While a person scrolls, its rows are there
 * before the browser lays them out, which it does from a height and a half before they are seen.
 */
const NEAR = "100%";
const AHEAD = "400%";

/** @param {{mark: string | number, onVisible: () => Promise<unknown> | void}} props `mark` names the page */
export function Sentinel({ mark, onVisible }) {
  const { app } = useApp();
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!end.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) void app.load(async () => onVisible());
      },
      { rootMargin: scrollY > 0 ? AHEAD : NEAR },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [mark]);
  return html`<p ref=${end} class="sentinel">${app.t("due.loading")}</p>`;
}
