/**
 * One person's sign-in at this node, over REST.
 *
 * The refresh token is in a cookie that no script can read and that the browser sends to the refresh
 * route only. The access token is in memory. What is kept beside it is the id of the sign-in, so that
 * a page that opens asks for a token only if there is one, and tabs do not mix two sign-ins: a tab that
 * slept while another person signed in is loaded again.
 *
 * Tabs that need a new access token at the same moment share one exchange: the first one holds a lock
 * and passes the token on.
 *
 * @module
 */

import { ApiError, request } from "./api.js";

const KEPT = "useby.signedIn";
const LEFT = "useby.signedOut";
const LOCK = "useby.refresh";
/** Name of the IndexedDB in which `offline.js` keeps the last known state and the waiting changes. */
export const KEPT_DATABASE = "useby";
/** Seconds before its expiry at which a token is exchanged; the node warns 60 before. */
const EARLY = 90;
/** Maximum milliseconds for which a tab waits for the token of the one that has had the lock. */
const PASSED_ON = 2000;

/** @typedef {{accessToken: string, expiresIn: number}} Tokens */
/** @typedef {{access: string, good: number}} Access a token, and the time until which it is used */

/** @typedef {{demo: boolean, signUp: boolean, mail: boolean}} Offers `mail` if it sends mail for a forgotten password */

export class Session {
  /** @type {Promise<unknown> | null} */
  #offers = null;
  /** @type {Access} */
  #token = { access: "", good: 0 }; // in the milliseconds of Date.now()
  /** @type {Promise<void> | null} */
  #exchanging = null;
  #tabs = new BroadcastChannel(LOCK);
  #onOther;
  /** Id of the sign-in whose data this page shows; another tab may have replaced the one that is kept. */
  #own = localStorage.getItem(KEPT) ?? "";

  /** @param {() => void} onOther called if this browser's sign-in is not any more the one that this page shows */
  constructor(onOther) {
    this.#onOther = onOther;
    this.#tabs.addEventListener("message", ({ data }) => {
      const token = /** @type {Access} */ (data);
      if (signInOf(token.access) === this.#own && token.good > this.#token.good) this.#token = token;
    });
  }

  get signedIn() {
    return localStorage.getItem(KEPT) !== null;
  }

  /** Return the id of the sign-in whose data this page shows; empty if there is none. */
  get id() {
    return this.#own;
  }

  /** Return the id of the account that is signed in; empty until this page has an access token. */
  get account() {
    return this.#token.access && (payloadOf(this.#token.access).sub ?? "");
  }

  /**
   * Return what the node offers before anybody signs in; one request for all who ask.
   *
   * @returns {Promise<Offers>}
   */
  offers() {
    this.#offers ??= request("GET", "config").catch((error) => {
      this.#offers = null;
      throw error;
    });
    return /** @type {Promise<Offers>} */ (this.#offers);
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  async signUp(email, password) {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    await request("POST", "auth/signup", { body: { email, password, timeZone } });
  }

  /**
   * Set the password of an invited account; the invitation works once.
   *
   * @param {string} invitation
   * @param {string} password
   */
  async accept(invitation, password) {
    await request("POST", "auth/invitation", { body: { invitation, password } });
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  async signIn(email, password) {
    await this.#exchanging?.catch(() => {}); // of the sign-in before
    const body = { email, password, cookie: true };
    await this.finishSignOut().catch(() => {}); // the new sign-in replaces its cookie
    this.#take(/** @type {Tokens} */ (await request("POST", "auth/login", { body, cookie: true })));
    localStorage.removeItem(LEFT);
  }

  /** End the sign-in on this device in any case, and at the node if it can be reached. */
  async signOut() {
    this.forget(); // at once, so that the page shows the form
    indexedDB.deleteDatabase(KEPT_DATABASE);
    await this.#exchanging?.catch(() => {}); // its answer restores the sign-in
    this.forget();
    localStorage.setItem(LEFT, "");
    await this.finishSignOut();
  }

  /** End the last sign-in at the node, which may not have been reached when the person signed out. */
  async finishSignOut() {
    if (localStorage.getItem(LEFT) === null || this.signedIn) return;
    try {
      await request("DELETE", "auth/refresh", { cookie: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500) throw error;
    }
    localStorage.removeItem(LEFT);
  }

  /** Forget a sign-in that the node has ended. Another one of this device stays. */
  forget() {
    if (this.#own === localStorage.getItem(KEPT)) localStorage.removeItem(KEPT);
    this.#own = "";
    this.#token = { access: "", good: 0 };
  }

  /**
   * Send a request with the access token, which is exchanged first if it ends soon. An answer that comes after the
   * sign-out is dropped: another person may have signed in.
   *
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {import("./api.js").Form} [as] form of the answer
   * @param {Record<string, string>} [headers]
   * @throws {ApiError}
   */
  async call(method, path, body, as = "json", headers = {}) {
    const own = this.#own;
    if (!own) throw new ApiError(401, "", 0); // begun before a sign-out
    const given = body ? { body, as, headers } : { as, headers };
    if (Date.now() >= this.#token.good) await this.#exchange();
    const token = this.#token.access;
    /** @param {string} access */
    const ask = async (access) => {
      this.#check(own);
      const answer = await request(method, path, { token: access, ...given });
      this.#check(own);
      return answer;
    };
    try {
      return await ask(token);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || own !== this.#own) throw error;
      if (token === this.#token.access) await this.#exchange(); // the local clock may be wrong
      return ask(this.#token.access);
    }
  }

  /**
   * Refuse to go on if the sign-in has ended since then.
   *
   * @param {string} own
   */
  #check(own) {
    if (own !== this.#own) throw new ApiError(401, "", 0);
  }

  /** Return a one-use ticket for the WebSocket, so that its URL contains no token. */
  async ticket() {
    return /** @type {{ticket: string}} */ (await this.call("POST", "ws/ticket")).ticket;
  }

  /** Fetch the next access token. Concurrent callers share one request. */
  async #exchange() {
    this.#exchanging ??= this.#inTurn()
      .catch((error) => {
        if (error instanceof ApiError && error.status === 401) this.forget();
        throw error;
      })
      .finally(() => {
        this.#exchanging = null;
      });
    await this.#exchanging;
  }

  /** Exchange while no other tab does, or take the token of the tab that has just done so. */
  async #inTurn() {
    const { locks } = navigator;
    if (!locks) return this.#refresh(); // over plain HTTP from another device
    const spent = this.#token.access;
    const isDone = await locks.request(LOCK, { ifAvailable: true }, async (lock) => {
      if (lock) await this.#refresh();
      return lock !== null;
    });
    if (isDone) return;
    const isPassedOn = () => this.#token.access !== spent && Date.now() < this.#token.good;
    await locks.request(LOCK, async () => {
      if (!isPassedOn()) await this.#nextMessage();
      if (!isPassedOn()) await this.#refresh();
    });
  }

  /** Wait for the next token of another tab, unless there is none in time. */
  async #nextMessage() {
    await new Promise((resolve) => {
      this.#tabs.addEventListener("message", resolve, { once: true });
      setTimeout(resolve, PASSED_ON);
    });
  }

  async #refresh() {
    const own = this.#own;
    if (!own) throw new ApiError(401, "", 0); // the person has signed out while another tab had the lock
    const answer = await request("POST", "auth/refresh", { body: { cookie: true }, cookie: true });
    this.#check(own);
    const tokens = /** @type {Tokens} */ (answer);
    const signIn = signInOf(tokens.accessToken);
    if (signIn !== own) {
      localStorage.setItem(KEPT, signIn); // which the page shows once it is loaded again
      this.#onOther();
      throw new ApiError(401, "", 0);
    }
    this.#take(tokens);
    this.#tabs.postMessage(this.#token);
  }

  /** @param {Tokens} tokens */
  #take({ accessToken: access, expiresIn }) {
    const good = Date.now() + (expiresIn - Math.min(EARLY, expiresIn / 2)) * 1000;
    this.#token = { access, good };
    this.#own = signInOf(access);
    localStorage.setItem(KEPT, this.#own);
  }
}

/**
 * Return the id of the sign-in to which an access token belongs. The node checks the token; here it
 * only tells sign-ins apart.
 *
 * @param {string} access
 * @returns {string}
 */
const signInOf = (access) => payloadOf(access).sid ?? "";

/**
 * @param {string} access
 * @returns {{sub?: string, sid?: string}}
 */
function payloadOf(access) {
  const payload = (access.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  return JSON.parse(atob(payload));
}
