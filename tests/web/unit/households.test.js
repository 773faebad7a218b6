/** The household that the page shows: roles, the choice of one, and what happens to answers of the others. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ApiError } from "../../../src/useby/web/api.js";
import { Changes } from "../../../src/useby/web/changes.js";
import { Households } from "../../../src/useby/web/households.js";
import { restored, snapshotOf } from "../../../src/useby/web/offline/snapshot.js";
import { changed } from "../../../src/useby/web/parts/household_form.js";
import { deedsFor } from "../../../src/useby/web/parts/lot_row.js";
import { pathOf } from "../../../src/useby/web/qr.js";
import { fragmentOf, householdOf, routeOf, viewsOf } from "../../../src/useby/web/routes.js";
import { INITIAL, Store } from "../../../src/useby/web/state.js";
import { chosenOf, isShown, may, mayUndo, withOther } from "../../../src/useby/web/state/household.js";
import de from "../../../src/useby/web/text/household_de.js";
import en from "../../../src/useby/web/text/household_en.js";

const MINE = { id: "me", name: "Home", role: "owner", timeZone: "UTC", currency: null, readSettlesAll: false };
const THEIRS = { ...MINE, id: "h2", name: "Grandma", role: "kiosk", timeZone: "Asia/Tokyo" };
const NO_COUNTS = { expired: 0, today: 0, next3Days: 0, next7Days: 0, later: 0, never: 0 };
const LOT = { state: "sealed", dateKind: "best_before", expiryDate: null };

/** Lets all promises go on that can. */
const turns = () => new Promise((resolve) => setImmediate(resolve));

Object.defineProperty(globalThis, "navigator", { value: { onLine: true } });

beforeEach(() => {
  const kept = new Map();
  globalThis.localStorage = {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  };
});

/** A person who is signed in; `answers` are functions by method and path, and `asked` has every request. */
function signedIn(answers = {}, account = "me") {
  const asked = [];
  const call = async (method, path, body, as, headers = {}) => {
    asked.push([method, path, headers["Useby-Household"] ?? ""]);
    const answer = answers[`${method} ${path.replace(/\?.*/, "")}`];
    return answer ? answer(headers["Useby-Household"] ?? "") : { items: [MINE, THEIRS], nextCursor: null };
  };
  const session = { signedIn: true, account, call };
  const store = new Store({ ...INITIAL, signedIn: true, me: { id: "me", timeZone: "UTC" } });
  const changes = new Changes(store, session, () => Promise.reject(new Error("offline")));
  const chosen = [];
  const t = (key) => key;
  const households = new Households(store, session, changes, t, () => chosen.push(households.id));
  return { households, store, asked, chosen };
}

test("a kiosk uses stock up, a viewer sees it, and an editor does all but govern", () => {
  const state = (role) => ({ ...INITIAL, household: { ...MINE, role } });
  const deeds = ["use", "change", "policy", "govern"];
  const of = (role) => deeds.filter((deed) => may(state(role), deed));
  assert.deepEqual(of("owner"), deeds);
  assert.deepEqual(of("editor"), ["use", "change", "policy"]);
  assert.deepEqual(of("kiosk"), ["use"]);
  assert.deepEqual(of("viewer"), []);
  assert.equal(may(INITIAL, "govern"), true, "an own household has its owner");
  const names = (role) => deedsFor(LOT, 0, role).map(({ action }) => action);
  assert.deepEqual(names("editor"), ["consume", "discard", "open", "freeze"]);
  assert.deepEqual(names("kiosk"), ["consume", "discard", "open"]);
  assert.deepEqual(names("viewer"), []);
  assert.ok(!viewsOf(false, false).includes("add"));
});

test("a kiosk undoes what it did the same day", () => {
  const me = { id: "me", timeZone: "UTC" };
  const state = { ...INITIAL, me, household: { ...MINE, role: "kiosk" }, zone: "UTC", today: 20516 };
  const at = new Date(20516 * 86_400_000).toISOString();
  assert.equal(mayUndo(state, { at, byUser: "me" }), true);
  assert.equal(mayUndo(state, { at, byUser: "other" }), false);
  assert.equal(mayUndo({ ...state, today: 20517 }, { at, byUser: "me" }), false);
  assert.equal(mayUndo({ ...state, household: MINE }, { at, byUser: "other" }), true);
});

test("the wanted household is shown, or else the own one, or the one that was joined first", () => {
  assert.equal(chosenOf([MINE, THEIRS], "h2", "me"), THEIRS);
  assert.equal(chosenOf([THEIRS, MINE], "gone", "me"), MINE);
  assert.equal(chosenOf([THEIRS], undefined, "me"), THEIRS);
  assert.equal(chosenOf([], undefined, "me"), null);
});

test("a frame is about the shown household if it names that one, or names none and the own one is shown", () => {
  const own = { ...INITIAL, me: { id: "me" } };
  const theirs = { ...own, household: THEIRS };
  assert.deepEqual([isShown(own, null), isShown(own, "me"), isShown(own, "h2")], [true, true, false]);
  assert.deepEqual([isShown(theirs, null), isShown(theirs, "me"), isShown(theirs, "h2")], [false, false, true]);
});

test("the choice is named in requests, kept in the browser, and taken up when the page is opened again", async () => {
  const { households, store, asked, chosen } = signedIn();
  await households.load();
  assert.equal(store.state.household, MINE);
  await households.api.categories();
  households.choose(THEIRS);
  await households.api.categories();
  assert.deepEqual(asked.map(([, , id]) => id), ["", "", "h2"]);
  assert.deepEqual([chosen, store.state.zone], [["h2"], "Asia/Tokyo"]);

  const again = signedIn();
  assert.deepEqual([again.households.id, again.store.state.household?.name], ["h2", "Grandma"]);
  again.households.choose(MINE);
  assert.equal(signedIn().households.id, "");
});

test("another account that signs in does not get the choice of the one before", () => {
  const before = signedIn();
  before.households.choose(THEIRS);
  const after = signedIn({}, "somebody");
  after.households.begin();
  assert.deepEqual([after.households.id, after.store.state.household], ["", null]);
  before.households.begin();
  assert.equal(before.households.id, "h2");
  before.households.forget();
  assert.equal(signedIn().households.id, "");
});

test("an answer about a household that is not shown any more is dropped", async () => {
  const waiting = [];
  const later = () => new Promise((resolve) => waiting.push(resolve));
  const { households, store } = signedIn({ "GET lots/counts": later, "GET lots": async () => ({ items: [], nextCursor: null }) });
  const first = households.stock.load();
  households.choose(THEIRS);
  const second = households.stock.load();
  await turns();
  waiting[1]({ ...NO_COUNTS, today: 2 });
  await second;
  waiting[0]({ ...NO_COUNTS, today: 1 });
  await first;
  assert.equal(store.state.due.counts?.today, 2);
});

test("a former member sees another household, with the reason, as soon as a request is refused", async () => {
  const gone = () => Promise.reject(new ApiError(404, "There is no such household.", 0));
  const list = async () => ({ items: [MINE], nextCursor: null });
  const { households, store } = signedIn({ "GET categories": gone, "GET households": list });
  households.choose(THEIRS);
  await assert.rejects(households.api.categories());
  await turns();
  assert.deepEqual([households.id, store.state.household], ["", MINE]);
  assert.equal(store.state.message?.text, "household.gone");
});

test("a change is sent within the household in which it was made", async () => {
  const { households, asked } = signedIn({ "POST lots/l/consume": async () => ({}) });
  households.choose(THEIRS);
  const { api } = households;
  households.choose(MINE);
  await api.act("l", "consume", {});
  assert.deepEqual(asked.at(-1), ["POST", "lots/l/consume", "h2"]);
});

test("another household begins empty, and the kept state of one leaves the inbox alone", () => {
  const due = { ...INITIAL.due, counts: NO_COUNTS };
  const mine = { ...INITIAL, signedIn: true, me: { id: "me" }, households: [MINE, THEIRS], household: MINE, due, unread: 3 };
  const theirs = withOther(mine, THEIRS);
  assert.deepEqual([theirs.due.counts, theirs.unread, theirs.zone], [null, 3, "Asia/Tokyo"]);
  const kept = snapshotOf({ ...theirs, due, unread: 1, households: [THEIRS] }, "s", 5);
  const shown = restored(theirs, kept, 10);
  assert.deepEqual([shown.household, shown.households.length, shown.unread, shown.asOf], [THEIRS, 2, 3, 5]);
  const fresh = restored({ ...INITIAL, signedIn: true }, kept, 10);
  assert.deepEqual([fresh.household, fresh.me, fresh.unread], [THEIRS, { id: "me" }, 1]);
});

test("a link may name the household of a product, which is shown then", async () => {
  const fragment = fragmentOf("product", "p", "h2");
  assert.deepEqual([routeOf(fragment), householdOf(fragment)], [{ view: "product", id: "p" }, "h2"]);
  assert.equal(householdOf("#/due"), "");
  const { households, store } = signedIn();
  await households.load(householdOf(fragment));
  assert.deepEqual([households.id, store.state.message], ["h2", null]);
  households.follow("unknown");
  assert.equal(households.id, "h2");
  households.follow("me");
  assert.equal(households.id, "");
});

test("a household is changed by the fields that differ", () => {
  const { name, timeZone, currency, readSettlesAll } = MINE;
  assert.deepEqual(changed(MINE, { name, timeZone, currency: "EUR", readSettlesAll }), { currency: "EUR" });
});

test("the link of an invitation has a view of its own", () => {
  assert.deepEqual(routeOf("#/invite/a%2Fb"), { view: "invite", id: "a/b" });
  assert.equal(routeOf("#/invite").view, "due");
});

test("the QR code of a link is a square of dark modules with its three finder patterns", () => {
  const { size, path } = pathOf("https://useby.example/#/invite/01a20b6e-fb6e-74c6-933a-68b096b6e89c");
  assert.equal((size - 17) % 4, 0);
  for (const [x, y] of [[0, 0], [size - 7, 0], [0, size - 7]]) assert.match(path, new RegExp(`M${x} ${y}h7`));
});

test("both languages have the same texts about households", () => {
  assert.deepEqual(Object.keys(de), Object.keys(en));
});
