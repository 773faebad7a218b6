/**
 * The households that the person is a member of, and the stock of the one that this tab shows.
 *
 * A browser remembers the last choice. Requests name the household unless it is the person's own.
 *
 * @module
 */

import { Api, ApiError, headersOf } from "./api.js";
import { withFields, withMessage } from "./state.js";
import { chosenOf, withHousehold, withOther } from "./state/household.js";
import { withNow } from "./state/lots.js";
import { Stock } from "./stock.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./types.js").Household} Household */

const KEPT = "useby.household";

/** The store as the stock of one household sees it: what arrives once another one is shown is dropped. */
class View {
  isShown = true;
  #store;

  /** @param {import("./state.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  get state() {
    return this.#store.state;
  }

  /**
   * @template {unknown[]} Values
   * @param {(state: State, ...values: Values) => State} change
   * @param {Values} values
   */
  update(change, ...values) {
    if (this.isShown) this.#store.update(change, ...values);
  }
}

export class Households {
  #store;
  #session;
  #changes;
  #t;
  #onChosen;
  #shown;

  /**
   * @param {import("./state.js").Store} store
   * @param {import("./session.js").Session} session
   * @param {import("./changes.js").Changes} changes
   * @param {import("./text.js").Translate} t
   * @param {() => void} onChosen called when another household is shown, whose stock is not loaded
   */
  constructor(store, session, changes, t, onChosen) {
    this.#store = store;
    this.#session = session;
    this.#changes = changes;
    this.#t = t;
    this.#onChosen = onChosen;
    const kept = session.signedIn ? keptChoice() : null;
    if (kept) store.update(withHousehold, kept.household);
    this.#shown = this.#opened(kept?.household.id ?? "");
  }

  /** Id of the shown household as requests name it; empty for the person's own. */
  get id() {
    return this.#shown.id;
  }

  /** The API within the shown household. */
  get api() {
    return this.#shown.api;
  }

  /** The stock of the shown household. */
  get stock() {
    return this.#shown.stock;
  }

  /**
   * Return the API within a household.
   *
   * @param {string} id empty for the person's own
   */
  apiOf(id) {
    const headers = headersOf(id);
    return new Api(
      (method, path, body, as) => this.#checked(id, this.#session.call(method, path, body, as, headers)),
      (change) => this.#checked(id, this.#changes.send({ ...change, household: id })),
    );
  }

  /** Begin for the person who has signed in: with the choice of this account, and not of another one. */
  begin() {
    const { account } = this.#session;
    const kept = keptChoice();
    const household = kept && (!account || kept.account === account) ? kept.household : null;
    if (household?.id !== this.#store.state.household?.id) this.#show(household, household?.id ?? "");
  }

  /** Forget the choice of the person who signs out. */
  forget() {
    localStorage.removeItem(KEPT);
  }

  /**
   * Fetch the households; if the person is no member of the shown one any more, show another one.
   *
   * @param {string} [wanted] id of the one to show, if the person is a member of it
   */
  async load(wanted = "") {
    const { items } = await this.apiOf("").households();
    const { household, me } = this.#store.state;
    if (!me) return; // the person has signed out
    const isMember = items.some(({ id }) => id === household?.id);
    const chosen = items.find(({ id }) => id === wanted) ?? chosenOf(items, household?.id, me.id);
    if (!chosen) return;
    this.#store.update(withFields, { households: items });
    void this.offerChoice().catch(() => {}); // it is fetched again with the next list
    if (this.id === idFor(chosen, me)) {
      this.#store.update(withHousehold, chosen);
      this.#store.update(withNow, Date.now());
      this.#keep(chosen);
      return;
    }
    this.choose(chosen);
    const name = household?.name ?? "";
    if (household && !isMember) this.#store.update(withMessage, this.#t("household.gone", { name }), { failed: true });
  }

  /**
   * Show the household that a link names, if the person is a member of it.
   *
   * @param {string} id empty for a link that names none
   */
  follow(id) {
    const household = this.#store.state.households.find((each) => each.id === id);
    if (household) this.choose(household);
  }

  /**
   * Show the stock of a household, also when the page is opened the next time.
   *
   * @param {Household} household
   */
  choose(household) {
    const { me } = this.#store.state;
    if (!me || household.id === this.#store.state.household?.id) return;
    this.#show(household, idFor(household, me));
    this.#keep(household);
    this.#onChosen();
  }

  /** Load the component that chooses a household, which most people never need. */
  async offerChoice() {
    if (this.#store.state.households.length < 2) return;
    const { HouseholdSwitch } = await import("./parts/household_switch.js");
    this.#store.update(withFields, { switcher: HouseholdSwitch });
  }

  /** @param {Household} household */
  #keep(household) {
    const { me } = this.#store.state;
    if (!me || idFor(household, me) === "") localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, JSON.stringify({ account: me.id, household }));
  }

  /**
   * @param {Household | null} household
   * @param {string} id
   */
  #show(household, id) {
    this.#shown.view.isShown = false;
    this.#shown = this.#opened(id);
    this.#store.update(withOther, household);
    this.#store.update(withNow, Date.now());
  }

  /** @param {string} id */
  #opened(id) {
    const view = new View(this.#store);
    const api = this.apiOf(id);
    return { id, view, api, stock: new Stock(view, api, this.#t) };
  }

  /**
   * Return the answer to a request. A refusal may mean that the person has another role now, or is no
   * member any more: nobody sends a former member anything.
   *
   * @param {string} id of the household
   * @param {Promise<unknown>} answer
   */
  #checked(id, answer) {
    return answer.catch((error) => {
      const status = error instanceof ApiError ? error.status : 0;
      if (id === this.id && (status === 403 || (status === 404 && id))) void this.load().catch(() => {});
      throw error;
    });
  }
}

/**
 * @param {Household} household
 * @param {import("./types.js").Me} me
 */
const idFor = ({ id }, me) => (id === me.id ? "" : id);

/** @returns {{account: string, household: Household} | null} the last choice in this browser */
function keptChoice() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "null");
  } catch {
    return null; // another program has written it
  }
}
