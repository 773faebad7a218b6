/**
 * The socket: what happens on other devices and by the clock is shown within a second.
 *
 * @module
 */

import { address } from "./api.js";
import { withConnection } from "./state.js";
import { isShown } from "./state/household.js";

/** @typedef {import("./types.js").Product} Product */

/** Notifications that are older than this many milliseconds were sent before; nothing is fetched. */
const RECENT = 120_000;
/** Number of expired products of a moment from which all is loaded again in place of each one. */
const MANY = 10;

export class Live {
  #store;
  #session;
  #households;
  #mailbox;
  #onRefused;
  /** @type {import("./client.js").Notifications | null} */
  #socket = null;
  #failures = 0; // attempts to open the socket since it was last open

  /**
   * @param {import("./state.js").Store} store
   * @param {import("./session.js").Session} session
   * @param {import("./households.js").Households} households
   * @param {import("./mailbox.js").Mailbox} mailbox
   * @param {(reason: string) => void} onRefused called when the node refuses the sign-in
   */
  constructor(store, session, households, mailbox, onRefused) {
    this.#store = store;
    this.#session = session;
    this.#households = households;
    this.#mailbox = mailbox;
    this.#onRefused = onRefused;
  }

  /** Open the socket, and again whenever it is lost. Its client is no part of the first load. */
  async begin() {
    this.#failures = 0;
    const { Notifications } = await import("./client.js");
    if (!this.#store.state.signedIn || this.#socket) return; // the person has signed out, or in again
    const socket = new Notifications(address("ws/notification"), { token: () => this.#session.ticket() });
    this.#socket = socket;
    socket.addEventListener("state", ({ detail }) => this.#onState(detail));
    socket.addEventListener("read", ({ detail }) => this.#mailbox.onRead(detail.ids, detail.unread));
    socket.addEventListener("product", ({ detail }) => {
      if (!isShown(this.#store.state, detail.householdId)) return;
      void this.#stock.published(/** @type {Product} */ (/** @type {unknown} */ (detail.product))).catch(() => {});
    });
    socket.addEventListener("notification", ({ detail }) =>
      this.#mailbox.arrive(detail, (batch) => this.#onArrived(batch)),
    );
  }

  get #stock() {
    return this.#households.stock;
  }

  async end() {
    const socket = this.#socket;
    this.#socket = null;
    await socket?.close();
  }

  /** @param {readonly import("./types.js").Notification[]} batch */
  #onArrived(batch) {
    void this.#mailbox.count().catch(() => {});
    const { state } = this.#store;
    const recent = batch.filter(
      (each) => Date.now() - Date.parse(each.created_at) < RECENT && isShown(state, each.householdId),
    );
    const expired = recent.filter(({ event, productId }) => event === "expired" && productId);
    // A large batch of products, and many alerts at once, are one notification without a product.
    const isLarge = recent.some(({ event, productId }) => !productId && ["added", "summary", "digest"].includes(event ?? ""));
    if (isLarge || expired.length > MANY) void this.#stock.loadShown().catch(() => {});
    else for (const { productId } of expired) void this.#stock.changed(productId ?? "").catch(() => {});
  }

  /** @param {import("./client.js").State} state */
  #onState({ name, code, wait, reason }) {
    this.#store.update(withConnection, { name, wait });
    if (name === "connected") {
      this.#failures = 0;
      this.#store.update(withConnection, { blocked: false });
      void this.#stock.loadShown().catch(() => {});
      if (this.#store.state.households.length > 1) void this.#households.load().catch(() => {}); // a role may be another
      if (this.#store.state.inbox.loaded) void this.#mailbox.load().catch(() => {});
    } else if (name === "waiting") {
      this.#failures += 1;
      if (this.#failures > 1) void this.#poll();
    } else if (name === "closed" && code !== null) {
      this.#onRefused(code === 1008 ? reason : "");
    }
  }

  /** Fetch over REST what the socket does not send, after each attempt to open it but the first. */
  async #poll() {
    const reached = await Promise.all([this.#mailbox.poll(), this.#stock.loadShown()]).then(
      () => true,
      () => false,
    );
    if (this.#failures > 1) this.#store.update(withConnection, { blocked: reached });
  }
}
