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
const PAGE_SIZE = 100;
/** After a sign-up the sign-in failed: the e-mail may have an account with another password. */
const NOT_NEW =
  "There is no account with this e-mail and password. If you have signed up before, sign in with the password of that time.";
const ALL_DAYS = 36500; // days; covers all products that are not closed
/** State of a page whose requests succeed and whose socket does not open. */
const BLOCKED = "Live updates are blocked, perhaps by a proxy. This page checks for news about once a minute.";
const RELATIVE_DAYS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const DATE_TIME = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

const SIGN_IN = find("sign-in", HTMLFormElement);
const EMAIL = find("email", HTMLInputElement);
const PASSWORD = find("password", HTMLInputElement);
const SIGN_IN_BUTTON = find("sign-in-button", HTMLButtonElement);
const SIGN_UP = find("sign-up", HTMLButtonElement);
const SIGN_OUT = find("sign-out", HTMLButtonElement);
const HOME = find("home", HTMLElement);
const STATUS = find("status", HTMLElement);
const ERROR = find("error", HTMLElement);
const DUE_HEADING = find("due-title", HTMLElement);
const PRODUCTS = find("products", HTMLElement);
const PRODUCTS_NOTE = find("products-note", HTMLElement);
const NOTIFICATIONS = find("notifications", HTMLElement);
const NEWEST = find("newest", HTMLElement);
const TO_NOTIFICATIONS = find("to-notifications", HTMLAnchorElement);
const UNREAD = find("unread", HTMLElement);
const MARK_ALL_READ = find("mark-all-read", HTMLButtonElement);

const account = new Account();
/** The part of a link that `useby user invite` printed; no server sees what follows the `#`. */
const invited = new URLSearchParams(location.hash.slice(1));
/** @type {Notifications | null} */
let notifications = null;
/** Attempts to open the socket that have failed since it was last open. */
let failures = 0;
/** True while requests succeed and the socket does not open. */
let blocked = false;
/** @type {Set<string>} */
const unread = new Set();

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 */
function find(id, kind) {
  const node = document.getElementById(id);
  if (!(node instanceof kind)) throw new TypeError(id);
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string)} children
 */
function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}

/** @param {unknown} error */
function showError(error) {
  ERROR.textContent = error instanceof ApiError ? error.message : "The node can't be reached.";
}

/**
 * Carry out a person's action, and show an error if it fails.
 *
 * @param {() => Promise<void>} action
 */
async function attempt(action) {
  ERROR.textContent = "";
  try {
    await action();
  } catch (error) {
    showError(error);
  }
}

// Sign-in and sign-out

function show() {
  const { signedIn } = account;
  SIGN_IN.hidden = signedIn;
  HOME.hidden = SIGN_OUT.hidden = TO_NOTIFICATIONS.hidden = !signedIn;
  if (!signedIn) STATUS.textContent = "";
}

SIGN_IN.addEventListener("submit", (event) => {
  event.preventDefault();
  if (SIGN_IN.ariaBusy === "true") return; // the button was pressed twice
  SIGN_IN.ariaBusy = "true";
  const button = event.submitter instanceof HTMLButtonElement ? event.submitter : SIGN_IN_BUTTON;
  const isNew = button.value === "new";
  const label = button.textContent;
  button.disabled = true;
  button.textContent = "Signing in …";
  void attempt(async () => {
    const invitation = invited.get("invitation");
    if (invitation) await account.accept(invitation, PASSWORD.value);
    else if (isNew) await account.signUp(EMAIL.value, PASSWORD.value);
    stopInvitation();
    await account.signIn(EMAIL.value, PASSWORD.value).catch((error) => {
      throw isNew && error instanceof ApiError && error.status === 401 ? new ApiError(401, NOT_NEW, 0) : error;
    });
    PASSWORD.value = "";
    begin();
    DUE_HEADING.focus();
  }).finally(() => {
    SIGN_IN.ariaBusy = "false";
    button.disabled = false;
    button.textContent = label;
    if (document.activeElement === document.body) button.focus(); // it lost the focus when disabled
  });
});

function showInvitation() {
  if (!invited.has("invitation")) return;
  find("sign-in-title", HTMLElement).textContent = "Choose a password";
  EMAIL.value = invited.get("email") ?? "";
  EMAIL.readOnly = true;
  PASSWORD.autocomplete = "new-password";
  PASSWORD.focus();
}

/** Return to an ordinary sign-in: the invitation is used. */
function stopInvitation() {
  if (!invited.has("invitation")) return;
  invited.delete("invitation");
  history.replaceState(null, "", location.pathname + location.search);
  find("sign-in-title", HTMLElement).textContent = "Sign in";
  EMAIL.readOnly = false;
  PASSWORD.autocomplete = "current-password";
}

void account.canSignUp().then(
  (open) => {
    SIGN_UP.hidden = !open || invited.has("invitation");
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
  notifications.addEventListener("state", ({ detail }) => onState(detail));
  notifications.addEventListener("read", ({ detail }) => {
    if (detail.ids.length) detail.ids.forEach(showRead);
    else if (unread.size) void refresh.run(showUnread);
    showCount(detail.unread);
    if (refresh.running.has(fetchCount)) void refresh.run(fetchCount); // the answer may be older
  });
  notifications.addEventListener("product", () => void refresh.run(showDue));
  notifications.addEventListener("notification", ({ detail }) => showNotification(detail));
  void refresh.run(showDue); // a proxy may keep the socket from ever opening
}

function end() {
  notifications = null;
  failures = 0;
  blocked = false;
  unread.clear();
  for (const list of [PRODUCTS, NOTIFICATIONS]) list.replaceChildren();
  NEWEST.textContent = PRODUCTS_NOTE.textContent = "";
  showCount(0);
  show();
  EMAIL.focus();
}

/** @param {import("./client.js").State} state */
function onState({ name, code, wait, reason }) {
  const later = wait === null ? "" : `, trying again in ${Math.ceil(wait)} s`;
  STATUS.textContent = {
    idle: "",
    connecting: blocked ? BLOCKED : "Connecting …",
    connected: "Live",
    waiting: blocked ? BLOCKED : `Not connected${later}`,
    closed: "",
  }[name];
  if (name === "connected") {
    failures = 0;
    blocked = false;
    ERROR.textContent = "";
    void refresh.run(showDue);
  } else if (name === "waiting") {
    failures += 1;
    if (failures > 1) void refresh.run(poll);
  }
  if (name !== "closed" || code === null) return;
  // The node refuses the connection: the sign-in was ended elsewhere, or has expired.
  void account.signOut().catch(() => {}); // signed out here at once, and at the node later
  end();
  ERROR.textContent = code === 1008 ? `${reason}. Sign in again.` : "Sign in again.";
}

/** Fetch over REST what the socket does not send, after each attempt to open it but the first. */
async function poll() {
  const reached = await Promise.all([showUnread(), showDue()]).then(
    () => true,
    () => false,
  );
  if (failures < 2) return; // the socket is open now, or the sign-in has ended
  blocked = reached;
  STATUS.textContent = reached ? BLOCKED : "Not connected";
  if (reached) ERROR.textContent = "";
}

// Products that are due

/** Runs each request once at a time; changes during a request cause one more, not one each. */
const refresh = {
  /** @type {Map<() => Promise<void>, boolean>} */
  running: new Map(),
  /** @param {() => Promise<void>} request */
  async run(request) {
    if (this.running.has(request)) return void this.running.set(request, true);
    do {
      this.running.set(request, false);
      if (account.signedIn) await request().catch(showError);
    } while (this.running.get(request));
    this.running.delete(request);
  },
};

async function showDue() {
  const { items, nextCursor } = await account.call(
    "GET",
    `products?expiringWithin=${ALL_DAYS}&sort=expiryDate&limit=${PAGE_SIZE}`,
  );
  if (!account.signedIn) return;
  PRODUCTS.replaceChildren(...items.map(row));
  PRODUCTS_NOTE.textContent = nextCursor
    ? `These are the nearest ${PAGE_SIZE}; there are more.`
    : items.length
      ? ""
      : "Nothing is kept yet: add a product with “useby product add” or over REST.";
}

/** @param {{name: string, expiryDate: string | null, status: string, daysLeft: number | null}} product */
function row({ name, expiryDate, status, daysLeft }) {
  if (expiryDate === null || daysLeft === null) {
    return element("tr", { className: status }, element("th", { scope: "row" }, name), element("td", {}, "never"));
  }
  const exact = expiryDate.includes("T");
  const date = element("time", { dateTime: expiryDate }, exact ? DATE_TIME.format(new Date(expiryDate)) : expiryDate);
  const due = status === "expired" && daysLeft === 0 ? "expired today" : RELATIVE_DAYS.format(daysLeft, "day");
  return element(
    "tr",
    { className: status },
    element("th", { scope: "row" }, element("bdi", {}, name)),
    element("td", {}, date),
    element("td", {}, due),
  );
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh.run(showDue); // the date may have changed
});

// Notifications

/** @param {Pick<Notification, "id" | "message" | "type" | "createdAt" | "readAt" | "markRead">} notification */
function showNotification(notification) {
  const { id, message, type, createdAt, readAt } = notification;
  document.getElementById(`notification-${id}`)?.remove(); // it was fetched over REST before
  const button = element("button", { type: "button", ariaLabel: `Mark read: ${message}` }, "Mark read");
  button.addEventListener("click", () => {
    button.disabled = true; // until the node publishes the mark
    void attempt(() => notification.markRead()).then(() => {
      button.disabled = false; // it is removed, unless the mark failed
    });
  });
  const time = element("time", { dateTime: createdAt.toISOString() }, DATE_TIME.format(createdAt));
  const item = element("li", { id: `notification-${id}`, className: type }, element("bdi", {}, message), button, time);
  NOTIFICATIONS.prepend(item);
  NOTIFICATIONS.children[PAGE_SIZE]?.remove();
  NEWEST.textContent = message;
  unread.add(id);
  if (readAt) showRead(id);
  void refresh.run(fetchCount);
  void refresh.run(showDue);
}

/** @param {string} id */
function showRead(id) {
  unread.delete(id);
  const item = document.getElementById(`notification-${id}`);
  item?.classList.add("read");
  item?.querySelector("button")?.remove();
}

/**
 * Fetch the unread notifications, when the node sent their count without ids or the socket does not
 * open: show those that are missing, and the others as read.
 */
async function showUnread() {
  const shown = [...unread]; // later ones may be missing in the answer
  /** @type {{items: {id: string, message: string, type: Notification["type"], created_at: string}[]}} */
  const { items } = await account.call("GET", "notifications?unread=true&limit=500");
  if (!account.signedIn) return;
  const still = new Set(items.map(({ id }) => id));
  if (items.length < 500) shown.filter((id) => !still.has(id)).forEach(showRead);
  for (const { id, message, type, created_at: createdAt } of items.slice(0, PAGE_SIZE).reverse()) {
    if (unread.has(id)) continue;
    showNotification({ id, message, type, createdAt: new Date(createdAt), readAt: null, markRead: () => markRead(id) });
  }
  await refresh.run(fetchCount);
}

/**
 * Mark a notification read over REST, and show it as read.
 *
 * @param {string} id
 */
async function markRead(id) {
  await account.call("POST", `notifications/${id}/read`);
  showRead(id);
  await refresh.run(fetchCount);
}

async function markAllRead() {
  if (notifications?.state.name === "connected") return notifications.markAllRead();
  await account.call("POST", "notifications/read-all");
  await showUnread();
}

/** Fetch the node's count: the page has loaded only some of the unread notifications. */
async function fetchCount() {
  const { unread: number } = await account.call("GET", "notifications/unread-count");
  if (account.signedIn) showCount(number);
}

/** @param {number} number */
function showCount(number) {
  UNREAD.textContent = String(number);
  TO_NOTIFICATIONS.textContent = number ? `Notifications (${number})` : "Notifications";
  document.title = number ? `(${number}) useby` : "useby";
  MARK_ALL_READ.disabled = !number;
}

MARK_ALL_READ.addEventListener("click", () => void attempt(markAllRead));

if (account.signedIn) begin();
else show();
showInvitation();
