/** Rules of the page's parts: what a connection shows, which rows are rendered again, which presses count. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../src/useby/web/api.js";
import { Chunk, chunksOf, lotHasChanged } from "../../../src/useby/web/parts/chunk.js";
import { shownOf } from "../../../src/useby/web/parts/connection.js";
import { understood } from "../../../src/useby/web/parts/date_field.js";
import { deedsFor, placesFor } from "../../../src/useby/web/parts/lot_row.js";
import { KeyPresses, once } from "../../../src/useby/web/parts/press.js";
import { INITIAL } from "../../../src/useby/web/state.js";

test("a connection is live, tried again, offline or signed out, and nothing is claimed before the first attempt", () => {
  const given = { signedIn: true, name: "connected", isFirst: false, isOnline: true };
  assert.equal(shownOf(given), "live");
  assert.equal(shownOf({ ...given, signedIn: false }), "out");
  for (const name of ["waiting", "connecting"]) {
    assert.equal(shownOf({ ...given, name }), "reconnecting");
    assert.equal(shownOf({ ...given, name, isOnline: false }), "offline");
  }
  assert.equal(shownOf({ ...given, name: "connecting", isFirst: true }), "");
  assert.equal(shownOf({ ...given, name: "connecting", isFirst: true, isOnline: false }), "offline");
});

test("a date is read on this device while a proxy answers for a node that is down", async () => {
  const app = (error) => ({ api: { readDate: async () => Promise.reject(error) }, store: { state: INITIAL }, t: (key) => key });
  const { date, problem } = await understood(app(new ApiError(502, "Bad gateway", 0)), "4.3.2027");
  assert.deepEqual([date, problem], ["2027-03-04", ""]);
  const refused = await understood(app(new ApiError(422, "No such day.", 0)), "4.3.2027");
  assert.deepEqual([refused.date, refused.problem], [null, "No such day."]);
});

test("a list is divided into parts of ten rows", () => {
  const ids = Array.from({ length: 5_000 }, (_, number) => `l${number}`);
  const chunks = chunksOf(ids);
  assert.equal(chunks.length, 500);
  assert.deepEqual(chunks.flat(), ids);
  assert.deepEqual(chunksOf([]), []);
});

test("a part of a list is rendered again only if one of its rows shows something else", () => {
  const lots = new Map([["a", {}], ["b", {}], ["c", {}]]);
  const state = { ...INITIAL, lots };
  const props = { ids: ["a", "b"], state, row: () => null, hasChanged: lotHasChanged, selected: new Set() };
  const isRendered = (changed) => new Chunk(props).shouldComponentUpdate({ ...props, ...changed });
  const withState = (fields) => ({ state: { ...state, ...fields } });
  assert.equal(isRendered({ ids: ["a", "b"], selected: new Set(["c"]) }), false);
  assert.equal(isRendered(withState({ lots: new Map(lots).set("c", {}), unread: 3 })), false);
  assert.equal(isRendered(withState({ lots: new Map(lots).set("b", {}) })), true);
  assert.equal(isRendered(withState({ pending: new Map([["a", "open"]]) })), true);
  assert.equal(isRendered(withState({ today: 1 })), true);
  assert.equal(isRendered({ selected: new Set(["b"]) }), true);
  assert.equal(isRendered({ ids: ["b", "a"] }), true);
  assert.equal(isRendered({ ids: ["a"] }), true);
});

test("a double click and a key act once", () => {
  let acts = 0;
  const press = once(() => (acts += 1));
  for (const detail of [1, 2, 3]) press({ detail });
  assert.equal(acts, 1);
  press({ detail: 0 }); // a key
  assert.equal(acts, 2);
});

test("a key that is held down, or pressed again while the focus moves, acts once", () => {
  const presses = new KeyPresses();
  const press = (timeStamp, repeat = false) => presses.counts({ repeat, timeStamp });
  assert.deepEqual([press(1_000), press(1_100), press(1_120, true)], [true, true, false]);
  presses.moved();
  assert.deepEqual([press(1_300), press(1_499)], [false, false]);
  assert.deepEqual([press(1_500), press(1_510)], [true, true], "the focus stays");
});

test("each button of a lot keeps its place when another one does not apply any more", () => {
  const lot = { state: "sealed", dateKind: "best_before", status: "fresh", daysLeft: 3, countedOn: 0, expiryDate: "1970-01-04" };
  const places = (state, role) => placesFor({ ...lot, state }, role).map(({ action }) => action);
  assert.deepEqual(places("sealed", "owner"), ["consume", "discard", "open", "freeze"]);
  assert.deepEqual(places("opened", "owner"), ["consume", "discard", "open", "freeze"]);
  assert.deepEqual(places("frozen", "owner"), ["consume", "discard", "open", "thaw"]);
  assert.deepEqual(places("opened", "kiosk"), ["consume", "discard", "open"]);
  for (const state of ["sealed", "opened", "frozen", "thawed"]) {
    for (const role of ["owner", "kiosk"]) {
      const shown = deedsFor({ ...lot, state }, 0, role).map(({ action }) => action);
      assert.deepEqual(shown.filter((action) => !places(state, role).includes(action)), [], `${state} ${role}`);
    }
  }
});
