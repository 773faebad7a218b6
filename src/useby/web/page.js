/**
 * The page: sign in, list the products that are due, show notifications and mark them read.
 *
 * The page shows the state that the node returns, never the state that was requested, so that all
 * devices show the same.
 *
 * @module
 */

import { Account, ApiError, address } from "./account.js";
import { Notifications } from "./client.js";

/** @typedef {import("./client.js").Notification} Notification */

/** Maximum number of products, and of notifications, on the page. */
const MOST = 100;
const FAR = 36500; // days; covers all products that are not closed
const DAYS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const MOMENT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

const SIGN_IN = find("sign-in", HTMLFormElement);
const EMAIL = find("email", HTMLInputElement);
const PASSWORD = find("password", HTMLInputElement);
const SIGN_UP = find("sign-up", HTMLButtonElement);
const SIGN_OUT = find("sign-out", HTMLButtonElement);
const HOME = find("home", HTMLElement);
const LINE = find("line", HTMLElement);
const TROUBLE = find("trouble", HTMLElement);
const DUE = find("due-title", HTMLElement);
const PRODUCTS = find("products", HTMLElement);
const HOW_MANY = find("how-many", HTMLElement);
const TOLD = find("told", HTMLElement);
const NEWEST = find("newest", HTMLElement);
const UNREAD = find("unread", HTMLElement);
const ALL_READ = find("all-read", HTMLButtonElement);

const account = new Account();
/** @type {Notifications | null} */
let notifications = null;
/** @type {Set<string>} */
const unread = new Set();

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 */
function find(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(id);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string)} children
 */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** @param {unknown} error */
function complain(error) {
  TROUBLE.textContent = error instanceof ApiError ? error.message : "The node can't be reached.";
}

/**
 * Carry out a person's action, and show an error if it fails.
 *
 * @param {() => Promise<void>} action
 */
async function attempt(action) {
  TROUBLE.textContent = "";
  try {
    await action();
  } catch (error) {
    complain(error);
  }
}

// signing in and out

function show() {
  const { signedIn } = account;
  SIGN_IN.hidden = signedIn;
  HOME.hidden = SIGN_OUT.hidden = !signedIn;
  if (!signedIn) LINE.textContent = "";
}

SIGN_IN.addEventListener("submit", (event) => {
  event.preventDefault();
  if (SIGN_IN.ariaBusy === "true") return; // the button was pressed twice
  SIGN_IN.ariaBusy = "true";
  const isNew = event.submitter?.getAttribute("value") === "new";
  void attempt(async () => {
    if (isNew) await account.signUp(EMAIL.value, PASSWORD.value);
    await account.signIn(EMAIL.value, PASSWORD.value);
    PASSWORD.value = "";
    begin();
    DUE.focus();
  }).finally(() => {
    SIGN_IN.ariaBusy = "false";
  });
});

void account.canSignUp().then(
  (open) => {
    SIGN_UP.hidden = !open;
  },
  () => {}, // the node cannot be reached
);

SIGN_OUT.addEventListener("click", () => {
  void attempt(async () => {
    await notifications?.close(); // sends the pending marks first
    try {
      await account.signOut();
    } finally {
      end();
    }
  });
});

function begin() {
  show();
  notifications = new Notifications(address("ws/notification"), { token: () => account.ticket() });
  notifications.addEventListener("state", ({ detail }) => isNow(detail));
  notifications.addEventListener("read", ({ detail }) => {
    if (detail.ids.length) detail.ids.forEach(wasRead);
    else void look.at(whatWasRead);
  });
  notifications.addEventListener("product", () => void look.at(whatIsDue));
  notifications.addEventListener("notification", ({ detail }) => tell(detail));
}

function end() {
  notifications = null;
  unread.clear();
  for (const list of [PRODUCTS, TOLD]) list.replaceChildren();
  NEWEST.textContent = HOW_MANY.textContent = "";
  count();
  show();
  EMAIL.focus();
}

/** @param {import("./client.js").State} state */
function isNow({ name, code, wait, reason }) {
  const later = wait === null ? "" : `, trying again in ${Math.ceil(wait)} s`;
  LINE.textContent = {
    idle: "",
    connecting: "Connecting …",
    connected: "Live",
    waiting: `Not connected${later}`,
    closed: "",
  }[name];
  if (name === "connected") {
    TROUBLE.textContent = "";
    void look.at(whatIsDue);
  }
  if (name !== "closed" || code === null) return;
  // The node refuses the connection: the sign-in was ended elsewhere, or has expired.
  void account.signOut().catch(() => {});
  end();
  TROUBLE.textContent = code === 1008 ? `${reason}. Sign in again.` : "Sign in again.";
}

// products that are due

/** Runs each request once at a time; changes during a request cause one more, not one each. */
const look = {
  /** @type {Map<() => Promise<void>, boolean>} */
  under: new Map(),
  /** @param {() => Promise<void>} what */
  async at(what) {
    if (this.under.has(what)) return void this.under.set(what, true);
    do {
      this.under.set(what, false);
      if (account.signedIn) await what().catch(complain);
    } while (this.under.get(what));
    this.under.delete(what);
  },
};

async function whatIsDue() {
  const { items, nextCursor } = await account.call(
    "GET",
    `products?expiringWithin=${FAR}&sort=expiryDate&limit=${MOST}`,
  );
  if (!account.signedIn) return;
  PRODUCTS.replaceChildren(...items.map(row));
  HOW_MANY.textContent = nextCursor
    ? `These are the nearest ${MOST}; there are more.`
    : items.length
      ? ""
      : "Nothing is kept yet: add a product over REST, or with “useby product import”.";
}

/** @param {{name: string, expiryDate: string, status: string, daysLeft: number}} product */
function row({ name, expiryDate, status, daysLeft }) {
  const exact = expiryDate.includes("T");
  const date = element("time", { dateTime: expiryDate }, exact ? MOMENT.format(new Date(expiryDate)) : expiryDate);
  const due = status === "expired" && daysLeft === 0 ? "expired today" : DAYS.format(daysLeft, "day");
  return element(
    "tr",
    { className: status },
    element("th", { scope: "row" }, name),
    element("td", {}, date),
    element("td", {}, due),
  );
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void look.at(whatIsDue); // the date may have changed
});

// notifications

/** @param {Notification} notification */
function tell(notification) {
  const { id, message, type, createdAt, readAt } = notification;
  const button = element("button", { type: "button", ariaLabel: `Mark read: ${message}` }, "Mark read");
  button.addEventListener("click", () => {
    button.disabled = true; // until the node publishes the mark
    void notification.markRead();
  });
  const time = element("time", { dateTime: createdAt.toISOString() }, MOMENT.format(createdAt));
  const item = element("li", { id: `told-${id}`, className: type }, element("span", {}, message), button, time);
  TOLD.prepend(item);
  TOLD.children[MOST]?.remove();
  NEWEST.textContent = message;
  unread.add(id);
  if (readAt) wasRead(id);
  count();
  void look.at(whatIsDue);
}

/** @param {string} id */
function wasRead(id) {
  unread.delete(id);
  const item = document.getElementById(`told-${id}`);
  item?.classList.add("read");
  item?.querySelector("button")?.remove();
  count();
}

/** Fetch the unread notifications, after an event for too many marks to list their ids. */
async function whatWasRead() {
  const { items } = await account.call("GET", "notifications?unread=true&limit=500");
  const still = new Set(items.map((/** @type {{id: string}} */ each) => each.id));
  if (items.length < 500) [...unread].filter((id) => !still.has(id)).forEach(wasRead);
}

function count() {
  UNREAD.textContent = String(unread.size);
  ALL_READ.disabled = !unread.size;
}

ALL_READ.addEventListener("click", () => void notifications?.markAllRead());

if (account.signedIn) begin();
else show();
