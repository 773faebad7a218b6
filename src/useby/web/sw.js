/**
 * The service worker: opens the page without the node.
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

/** Keep all files of this release; if the node changes meanwhile, the next attempt keeps them. */
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
// Web Push: the listeners of `push` and `notificationclick` belong here.
