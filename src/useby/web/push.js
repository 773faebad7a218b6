/**
 * Web Push in this browser: the node's notifications are shown while no page is open.
 *
 * The browser subscribes at its push service, and the node has a channel for it. Which one that is, and
 * the words for its notifications, are written down where the service worker finds them.
 *
 * @module
 */

import { ApiError, request } from "./api.js";
import { wordsIn } from "./parts/channel_text.js";

const KEPT = "useby.push";
/** Cache of which `sw.js` reads the one entry. */
const PUSHES = "pushes";
const ENTRY = new URL("../kept", import.meta.url);
/** Milliseconds that a sign-out waits for the node to delete the channel. */
const PATIENCE = 1500;
const SEVERITIES = /** @type {const} */ (["info", "warning", "error"]);

/**
 * What this browser can do: `off` and `on`, or the reason why it cannot be notified.
 *
 * @typedef {"on" | "off" | "insecure" | "install" | "unsupported" | "denied"} Ability
 */
/**
 * `signIn` is the id of the sign-in, with which the node deletes the channel. An earlier release did not
 * write it.
 *
 * @typedef {{channel: string, name: string, endpoint: string, signIn?: string}} Kept
 */

export class Push {
  #app;

  /** @param {import("./parts/context.js").App} app */
  constructor(app) {
    this.#app = app;
  }

  /** Return the id of the channel of this browser; empty if there is none. */
  get channel() {
    return this.#kept?.channel ?? "";
  }

  /** @returns {Kept | null} */
  get #kept() {
    return JSON.parse(localStorage.getItem(KEPT) ?? "null");
  }

  /** @returns {Ability} */
  get ability() {
    if (!isSecureContext) return "insecure";
    if (!("PushManager" in globalThis) || !("Notification" in globalThis)) {
      return "standalone" in navigator ? "install" : "unsupported"; // Safari on a phone has it as an app only
    }
    if (Notification.permission === "denied") return "denied";
    return this.channel && Notification.permission === "granted" ? "on" : "off";
  }

  /** Begin for the person who has signed in, and send the node a subscription that the browser has replaced. */
  async begin() {
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      if (typeof data?.open === "string") location.hash = data.open;
    });
    const kept = this.#kept;
    if (!kept) return;
    if (kept.signIn && kept.signIn !== this.#app.session.id) return this.forget();
    if (this.ability !== "on") return;
    const { endpoint } = await this.#subscribe(await keyOfNode());
    if (endpoint !== kept.endpoint || !kept.signIn) await this.#register(kept.name);
    await this.closeRead();
  }

  /**
   * Ask for the permission, which needs a press, and have the node send notifications here.
   *
   * @param {string} name of the channel
   * @returns {Promise<Ability>}
   */
  async turnOn(name) {
    if ((await Notification.requestPermission()) !== "granted") return this.ability;
    await this.#subscribe(await keyOfNode());
    await this.#register(name);
    return this.ability;
  }

  /** Have the node send nothing here any more. */
  async turnOff() {
    const { channel } = this;
    await this.forget();
    if (channel) await this.#app.api.deleteChannel(channel).catch(isGone);
  }

  /** End it with the sign-in: the next person who signs in must not see notifications of this one. */
  async leave() {
    if (!this.#kept) return;
    await Promise.race([this.turnOff(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  }

  /** End the subscription in this browser alone; the node finds out with the next push. */
  async forget() {
    if (!this.#kept) return;
    localStorage.removeItem(KEPT);
    await caches.delete(PUSHES);
    const registration = await ready();
    for (const each of await registration.getNotifications()) each.close();
    await (await registration.pushManager.getSubscription())?.unsubscribe();
  }

  /** Close what this browser shows and has been read: its own push may be late, or never come. */
  async closeRead() {
    if (!this.#kept) return;
    const shown = await (await ready()).getNotifications();
    if (!shown.length) return;
    const { items, nextCursor } = await this.#app.api.notifications({ unread: "true", limit: "500" }, null);
    if (nextCursor !== null) return;
    const unread = new Set(items.map(({ id }) => id));
    for (const each of shown) if (!unread.has(each.tag)) each.close();
  }

  /**
   * Return the subscription of this person, made with the node's key: push services refuse what is
   * signed with another one.
   *
   * @param {string} key
   */
  async #subscribe(key) {
    const { pushManager } = await ready();
    const present = await pushManager.getSubscription();
    if (present && this.#kept && isMadeWith(present, key)) return present;
    await present?.unsubscribe();
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }

  /**
   * Give the node the subscription; a channel that is gone is made again.
   *
   * @param {string} name
   */
  async #register(name) {
    const { api, language, session } = this.#app;
    const subscription = await (await ready()).pushManager.getSubscription();
    if (!subscription) return;
    const { channel } = this;
    const found = channel && (await api.changeChannel(channel, { subscription: subscription.toJSON() }).catch(isGone));
    const { id } = found || (await api.addChannel({ kind: "webpush", name, subscription: subscription.toJSON() }));
    const { endpoint } = subscription;
    localStorage.setItem(KEPT, JSON.stringify({ channel: id, name, endpoint, signIn: session.id }));
    const t = wordsIn(language);
    const words = Object.fromEntries(SEVERITIES.map((each) => [each, t(`word.${each}`)]));
    await (await caches.open(PUSHES)).put(ENTRY, new Response(JSON.stringify({ channel: id, words })));
  }
}

/** Return the public key of the node, which a restored or a new database may have replaced. */
async function keyOfNode() {
  const { key } = /** @type {{key: string}} */ (await request("GET", "push/key"));
  return key;
}

/**
 * @param {PushSubscription} subscription
 * @param {string} key in base64url
 * @returns {boolean} true also if the browser does not show its key
 */
function isMadeWith({ options }, key) {
  const own = options?.applicationServerKey;
  if (!own) return true;
  const text = btoa(String.fromCharCode(...new Uint8Array(own)));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") === key;
}

/** @returns {Promise<ServiceWorkerRegistration>} */
const ready = () => navigator.serviceWorker.ready;

/**
 * Take it as done if the node has no such channel.
 *
 * @param {unknown} error
 */
function isGone(error) {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
  return null;
}
