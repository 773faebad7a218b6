/** @module The end of a list: loads the next page before it is reached. */

import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/hooks.js";
import { useApp } from "./context.js";

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
      { rootMargin: "800px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [mark]);
  return html`<p ref=${end} class="sentinel">${app.t("due.loading")}</p>`;
}
