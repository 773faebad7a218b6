/**
 * The page's start: signs in, loads what is shown, and opens the socket. `show.js` shows it.
 *
 * @module
 */

import { Changes, isUnreached, Queued } from "./changes.js";
import { dayIn, untilMidnight } from "./dates.js";
import { Households } from "./households.js";
import { isShortcut } from "./keys.js";
import { isKiosk, keepAwake } from "./kiosk.js";
import { Live } from "./live.js";
import { Mailbox } from "./mailbox.js";
import { reasonIn } from "./reasons.js";
import { fragmentOf, householdOf, routeOf, viewsOf } from "./routes.js";
import { Session } from "./session.js";
import { INITIAL, signedOut, Store, withFields } from "./state.js";
import { may, withZone } from "./state/household.js";
import { inboxHeld, inboxReleased } from "./state/inbox.js";
import { held, released, withNow } from "./state/lots.js";
import { followAccount, keptLanguage, languageOf, translator } from "./text.js";

/** Milliseconds without a touch or a key after which the rows of a list may move. */
const HOLD = 1_000;
/** Maximum wait for midnight at a time; a device that slept is late by at most this. */
const LONGEST_WAIT = 60_000;
/** Milliseconds after which a busy browser does what waits for an idle one. */
const LATEST = 3_000;
/** Milliseconds after midnight at which the node's counts are fetched: the local clock may be fast. */
const COUNTED = [0, 5_000, 60_000];

const language = languageOf([keptLanguage(), ...navigator.languages]);
document.documentElement.lang = language;
document.documentElement.classList.toggle("kiosk", isKiosk);
const t = translator(language);
const views = viewsOf(isKiosk);
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const session = new Session(() => location.reload());
const now = Date.now();
const store = new Store({
  ...INITIAL,
  signedIn: session.signedIn,
  route: routeOf(location.hash, views),
  zone: timeZone,
  now,
  today: dayIn(now, timeZone),
});
const changes = new Changes(store, session, loadOffline);
const households = new Households(store, session, changes, t, () => {
  void load(() => households.stock.load());
  void offline?.outbox.show().catch(() => {});
});
const own = households.apiOf("");
const mailbox = new Mailbox(store, own);
const live = new Live(store, session, households, mailbox, (reason) => {
  session.forget();
  void offline?.forget().catch(() => {});
  const again = t("signin.again");
  end(again);
  // Nothing else is shown by then, unless the person is signed in again.
  if (reason) void reasonIn(language, reason).then((text) => !store.state.signedIn && store.update(withFields, { error: `${text}. ${again}` }));
});

/** @type {number | undefined} */
let holding;
/** @type {import("./offline.js").Offline | null} */
let offline = null;

/**
 * Load the module that keeps things on this device. It is no part of the first load.
 *
 * @returns {Promise<import("./offline.js").Offline>}
 */
async function loadOffline() {
  const { Offline } = await import("./offline.js");
  offline ??= new Offline(app);
  return offline;
}

/**
 * Call a function once the browser has nothing to do: what people see first comes before it.
 *
 * @param {() => void} action
 */
function whenIdle(action) {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(action, { timeout: LATEST });
  else setTimeout(action, LATEST);
}

/** Keep the rows in place, until nothing is touched for a second. */
function hold() {
  clearTimeout(holding);
  holding = setTimeout(release, HOLD);
  store.update(held);
  store.update(inboxHeld);
}

/** Show the rows in their present order. */
function release() {
  store.update(released);
  store.update(inboxReleased);
}

/**
 * Carry out an action, and show an error if it fails.
 *
 * @param {() => Promise<unknown>} action
 */
async function attempt(action) {
  try {
    await action();
    if (store.state.error) store.update(withFields, { error: "" });
    return true;
  } catch (error) {
    if (error instanceof Queued) return true;
    if (store.state.signedIn) store.update(withFields, { error: households.stock.reasonOf(error) });
    return false;
  }
}

/**
 * Load what a view shows. While the node is not reached, the view shows the last known state, whose
 * age stands above it.
 *
 * @param {() => Promise<unknown>} action
 */
async function load(action) {
  return attempt(() =>
    action().catch(async (error) => {
      if (!isUnreached(error) || !store.state.signedIn) throw error;
      await loadOffline().then((loaded) => loaded.restore()).catch(() => {});
      if (store.state.asOf === null) throw error;
    }),
  );
}

async function loadMe() {
  const me = await own.me();
  if (followAccount(me.language, language)) location.reload();
  store.update(withFields, { me });
  if (!store.state.household) store.update(withZone, me.timeZone);
  store.update(withNow, Date.now());
  await households.load(householdOf(location.hash));
}

function begin() {
  store.update(withFields, { signedIn: true, error: "" });
  households.begin();
  // The lots come first, also because a proxy may keep the socket from ever opening.
  void load(() => households.stock.load()).then(() => {
    void attempt(() => live.begin());
    whenIdle(() => {
      if (store.state.signedIn) void loadOffline().then((loaded) => loaded.begin()).catch(() => {});
    });
  });
  void load(loadMe);
  void mailbox.count().catch(() => {});
}

/** @param {string} error */
function end(error) {
  void live.end();
  sessionStorage.clear(); // what was typed and not saved
  store.update(signedOut);
  store.update(withFields, { error });
}

/**
 * Return true if no change waits on this device, or the person agrees to lose those that do.
 *
 * @param {string} action name of what would delete them
 * @returns {Promise<boolean>}
 */
async function mayLeave(action) {
  if (store.state.waiting.length) await offline?.outbox.flush().catch(() => {});
  if (!store.state.waiting.length) return true;
  const agrees = await new Promise((answer) => store.update(withFields, { leaving: { action, answer } }));
  store.update(withFields, { leaving: null });
  return agrees;
}

/**
 * Sign out on this device, unless the person keeps the changes that wait.
 *
 * @param {string} [action] name of what the person has pressed
 * @param {() => Promise<unknown>} [first] what the node is asked before: to end all sign-ins, or to delete the account
 */
async function signOut(action = t("settings.out"), first = async () => {}) {
  if (!(await mayLeave(action))) return;
  await first();
  await live.end(); // sends the pending marks first
  households.forget();
  await offline?.push.leave().catch(() => {});
  await session.signOut().catch(() => {}); // it is signed out here in any case
  end("");
}

function finishSignOut() {
  void session.finishSignOut().catch(() => {}); // at the next start, or once the device is online
}

/** Count the days again at each local midnight, and when the page is looked at again. */
function countDays() {
  const before = store.state.today;
  store.update(withNow, Date.now());
  if (store.state.today === before) return;
  for (const wait of COUNTED) {
    setTimeout(() => store.state.signedIn && void households.stock.countAgain().catch(() => {}), wait);
  }
}

function waitForMidnight() {
  const wait = Math.min(LONGEST_WAIT, untilMidnight(Date.now(), store.state.zone));
  setTimeout(() => {
    countDays();
    waitForMidnight();
  }, wait);
}

addEventListener("hashchange", () => {
  households.follow(householdOf(location.hash));
  const { error } = store.state;
  store.update(withFields, { route: routeOf(location.hash, views), error: store.state.signedIn ? "" : error });
  release();
});
addEventListener("keydown", (event) => {
  if (!store.state.signedIn || !isShortcut(event)) return;
  if (event.key === "a" && may(store.state, "change")) location.hash = fragmentOf("add");
  else if (event.key === "z" && store.state.message?.undoable) void households.stock.actions.undo();
  else return;
  event.preventDefault();
});
addEventListener("online", finishSignOut);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") countDays();
});

export const app = {
  ...{ store, session, households, mailbox, t, language },
  get api() {
    return households.api;
  },
  get stock() {
    return households.stock;
  },
  ...{ begin, signOut, hold, release, whenIdle, attempt, load, loadMe, offline: () => offline },
};
if (session.signedIn) begin();
else {
  finishSignOut();
  void import("./views/signin.js").catch(() => {}); // it is shown first, and fetched beside the frame of all views
}
waitForMidnight();
if (isKiosk) keepAwake();
