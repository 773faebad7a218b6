/**
 * The service worker: opens the page without the node, and shows notifications while no page is open.
 *
 * It keeps the page's files, all of one release, in a cache of that release. It never answers for the
 * API, and keeps none of its answers: what belongs to a person is in IndexedDB, and goes with the
 * sign-out. A new release is kept beside the old one, and replaces it when the page says so or when
 * no tab shows the old one.
 *
 * @module
 */

const worker = /** @type {ServiceWorkerGlobalScope & {FILES: {version: string, paths: string[]}}} */ (
  /** @type {unknown} */ (globalThis)
);
const PREFIX = "useby-";

/**
 * The policy of Trusted Types for the list of files, which the node makes.
 *
 * @type {{createPolicy: (name: string, rules: object) => {createScriptURL: (url: string) => string}} | undefined}
 */
const types = Reflect.get(worker, "trustedTypes");
const list = new URL("files.js", worker.location.href).href;
const policy = types?.createPolicy("useby", { createScriptURL: () => list });
worker.importScripts(policy?.createScriptURL("") ?? list);

const { version, paths } = worker.FILES;
const NAME = PREFIX + version;
const HOME = new URL("../", worker.location.href);
const FILES = new Set(paths.map((path) => new URL(path, worker.location.href).href));

/** Keep all files of this release; if the node is updated during this, the next attempt keeps them. */
async function install() {
  const cache = await caches.open(NAME);
  await cache.addAll([HOME.href, ...FILES].map((address) => new Request(address, { cache: "no-cache" })));
  const after = await fetch(list, { cache: "no-cache" });
  if ((await after.text()).includes(version)) return;
  await caches.delete(NAME);
  throw new Error("The node has another release now.");
}

/** Delete the releases before this one, and answer for the pages that are open. */
async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/**
 * Return the address under which the answer to a request is kept.
 *
 * @param {Request} request
 * @returns {string | null} null if it is not the page's
 */
function addressOf({ method, mode, url }) {
  if (method !== "GET") return null;
  const { origin, pathname } = new URL(url);
  const address = origin + pathname;
  if (address === HOME.href) return mode === "navigate" ? address : null;
  return FILES.has(address) ? address : null;
}

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  if (event.data === "activate") event.waitUntil(worker.skipWaiting());
});
worker.addEventListener("fetch", (event) => {
  const address = addressOf(event.request);
  if (address === null) return; // the browser asks the node
  const kept = caches.open(NAME).then((cache) => cache.match(address, { ignoreVary: true }));
  event.respondWith(kept.then((found) => found ?? fetch(event.request)));
});

/** Cache of what the page writes down for pushes: the words of its language, and its channel. */
const PUSHES = "pushes";
/** Name of the lock under which the tabs exchange the sign-in's tokens, see `session.js`. */
const LOCK = "useby.refresh";

/**
 * @typedef {object} Pushes
 * @property {string} channel id of the channel of this browser
 * @property {Record<string, string>} words title of a notification without a product, by severity
 */
/** @typedef {{id: string, message: string, severity: string, productName: string, link: string}} Message */

/** @returns {Promise<Pushes | null>} */
async function pushes() {
  const kept = await (await caches.open(PUSHES)).match(new URL("kept", HOME));
  return kept ? kept.json() : null;
}

/**
 * Show what the node has sent, or close what has been read elsewhere.
 *
 * @param {PushMessageData | null} data
 */
async function onPush(data) {
  /** @type {Message & {close?: string[]}} */
  const { close, id, message, severity, productName, link } = readPush(data);
  if (close) return void (await Promise.all(close.map(closeShown)));
  const kept = await pushes();
  await worker.registration.showNotification(productName || kept?.words[severity] || "useby", {
    body: message,
    tag: id,
    dir: "auto",
    icon: new URL("icon-192.png", worker.location.href).href,
    data: { link },
  });
}

/**
 * @param {PushMessageData | null} data
 * @returns {Message & {close?: string[]}} an empty message if it cannot be read: a browser wants one shown
 */
function readPush(data) {
  const nothing = { id: "", message: "", severity: "", productName: "", link: "#/inbox" };
  try {
    return { ...nothing, ...data?.json() };
  } catch {
    return nothing;
  }
}

/** @param {string} tag */
async function closeShown(tag) {
  for (const each of await worker.registration.getNotifications({ tag })) each.close();
}

/**
 * Show the view that a notification is about, in the page if it is open.
 *
 * @param {string} link
 */
async function open(link) {
  const target = new URL(link, HOME);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => new URL(url).pathname === HOME.pathname);
  if (!page) return void (await worker.clients.openWindow(target.href));
  page.postMessage({ open: target.hash });
  await page.focus();
}

/**
 * Give the node the subscription that replaces one, as the push service or the browser has ended it.
 *
 * @param {PushSubscription | null} renewed
 * @param {PushSubscription | null} before
 */
async function renew(renewed, before) {
  const kept = await pushes();
  if (!kept) return; // the person has signed out
  const subscription = renewed ?? (before && (await worker.registration.pushManager.subscribe(before.options)));
  if (!subscription) return; // the page subscribes when it is opened
  const { accessToken } = await navigator.locks.request(LOCK, () => send("POST", "auth/refresh", { cookie: true }));
  await send("PATCH", `channels/${kept.channel}`, { subscription: subscription.toJSON() }, accessToken);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} body
 * @param {string} [token]
 * @returns {Promise<{accessToken: string}>}
 */
async function send(method, path, body, token) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(new URL(`api/${path}`, HOME), { method, headers, body: JSON.stringify(body), redirect: "error" });
  if (!answer.ok) throw new Error(`The node answered ${answer.status}.`);
  return answer.json();
}

worker.addEventListener("push", (event) => event.waitUntil(onPush(event.data)));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.link ?? "#/inbox"));
});
worker.addEventListener("pushsubscriptionchange", (event) => {
  const { newSubscription, oldSubscription } = /** @type {PushSubscriptionChangeEvent} */ (event);
  event.waitUntil(renew(newSubscription, oldSubscription));
});
