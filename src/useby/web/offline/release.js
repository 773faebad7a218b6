/**
 * The service worker, as the page sees it: a new release of the page is kept beside the old one, and
 * takes its place when a person says so, or while nobody looks at the page.
 *
 * @module
 */

import { withFields } from "../state.js";
import { workerUrl } from "../trusted.js";

/** The page's own folder. */
const SCOPE = new URL("../../", import.meta.url).href;
/** Views in which nothing is typed that a reload would lose. */
const SAFE = ["due", "products", "inbox", "insights"];

export class Release {
  #store;
  /** @type {ServiceWorkerRegistration | null} */
  #registration = null;
  #isReloading = false;

  /** @param {import("../state.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** Let the service worker keep the page's files. */
  async begin() {
    const { serviceWorker } = navigator;
    if (!serviceWorker || this.#registration) return; // over plain HTTP from another device
    const registration = await serviceWorker.register(workerUrl("sw.js"), { scope: SCOPE, updateViaCache: "none" });
    this.#registration = registration;
    let isControlled = serviceWorker.controller !== null;
    serviceWorker.addEventListener("controllerchange", () => {
      // The first worker is of the page's own release. A later one may be another tab's wish.
      if (this.#isReloading || (isControlled && this.#isSafe())) location.reload();
      else if (isControlled) this.#store.update(withFields, { hasRelease: true });
      isControlled = true;
    });
    registration.addEventListener("updatefound", () => this.#onFound(registration.installing));
    if (registration.waiting) this.#offer();
    else this.#onFound(registration.installing);
    document.addEventListener("visibilitychange", () => this.#replaceUnseen());
  }

  /** Ask the node for a new release. */
  async check() {
    await this.#registration?.update().catch(() => {}); // not reached
  }

  /** Show the new release: the page is loaded again. */
  replace() {
    this.#isReloading = true;
    const waiting = this.#registration?.waiting;
    if (waiting) waiting.postMessage("activate");
    else location.reload(); // another tab has brought it
  }

  /** @param {ServiceWorker | null} installing */
  #onFound(installing) {
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed" && navigator.serviceWorker.controller) this.#offer();
    });
  }

  #offer() {
    this.#store.update(withFields, { hasRelease: true });
    this.#replaceUnseen();
  }

  #replaceUnseen() {
    const isUnseen = document.visibilityState === "hidden";
    if (isUnseen && this.#store.state.hasRelease && this.#isSafe()) this.replace();
  }

  #isSafe = () => SAFE.includes(this.#store.state.route.view) && !document.querySelector("dialog[open]");
}
