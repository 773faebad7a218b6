/**
 * One person's sign-in at this node, over REST.
 *
 * The access token is in memory only, and so is the refresh token while the page is visible. When
 * the page is hidden, the refresh token is copied to the tab's `sessionStorage`, for a reload or a
 * phone that discards hidden pages; when the page is visible again, the copy is removed. The token is
 * never in `localStorage`, where it would outlive the tab and two tabs would use the same token,
 * which the node treats as theft. A duplicated tab finds nothing to copy.
 *
 * @module
 */

const KEPT = "useby.refreshToken";
/** Seconds before its expiry at which a token is exchanged; the node warns 60 before. */
const EARLY = 90;

/** An answer of the REST API that is not a success. */
export class ApiError extends Error {
  name = "ApiError";

  /**
   * @param {number} status
   * @param {string} detail a sentence for a person
   * @param {number} retryAfter seconds
   */
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** @param {string} path under `/api/` */
export const address = (path) => new URL(`../api/${path}`, import.meta.url);

/**
 * @param {string} method
 * @param {string} path
 * @param {{token?: string, body?: object}} given
 */
async function request(method, path, { token, body }) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(address(path), {
    method,
    headers,
    body: body ? JSON.stringify(body) : null,
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const { detail } = await answer.json().catch(() => ({}));
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  throw new ApiError(answer.status, detail || `The node answered ${answer.status}.`, retryAfter);
}

export class Account {
  #access = "";
  #good = 0; // time until which it is used, in the milliseconds of Date.now()
  #refresh = sessionStorage.getItem(KEPT) ?? "";
  /** @type {Promise<void> | null} */
  #exchanging = null;

  constructor() {
    this.#keep();
    document.addEventListener("visibilitychange", () => this.#keep());
    addEventListener("pageshow", () => this.#keep());
    addEventListener("pagehide", () => this.#keep(true)); // some browsers send only this on a reload
  }

  get signedIn() {
    return this.#refresh !== "";
  }

  /**
   * Return whether the node allows sign-up.
   *
   * @returns {Promise<boolean>}
   */
  async canSignUp() {
    return (await request("GET", "auth/signup", {})).open;
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
    this.#take(await request("POST", "auth/login", { body: { email, password } }));
  }

  /** End the sign-in in this tab in any case, and at the node if it can be reached. */
  async signOut() {
    const spent = this.#refresh;
    this.#forget(); // at once, so that the page shows the form
    await this.#exchanging?.catch(() => {}); // its answer restores the sign-in
    const refreshToken = this.#refresh || spent;
    this.#forget();
    if (refreshToken) await request("POST", "auth/logout", { body: { refreshToken } });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @throws {ApiError}
   */
  async call(method, path) {
    if (Date.now() >= this.#good) await this.#exchange();
    const token = this.#access;
    try {
      return await request(method, path, { token });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      if (token === this.#access) await this.#exchange(); // the local clock may be wrong
      return request(method, path, { token: this.#access });
    }
  }

  /** Return a one-use ticket for the WebSocket, so that its URL contains no token. */
  async ticket() {
    return (await this.call("POST", "ws/ticket")).ticket;
  }

  /** Fetch the next tokens. Concurrent callers share one request: a refresh token works once. */
  async #exchange() {
    this.#exchanging ??= request("POST", "auth/refresh", { body: { refreshToken: this.#refresh } })
      .then((tokens) => this.#take(tokens))
      .catch((error) => {
        if (error instanceof ApiError && error.status === 401) this.#forget();
        throw error;
      })
      .finally(() => {
        this.#exchanging = null;
      });
    await this.#exchanging;
  }

  /** @param {{accessToken: string, refreshToken: string, expiresIn: number}} tokens */
  #take({ accessToken, refreshToken, expiresIn }) {
    this.#access = accessToken;
    this.#refresh = refreshToken;
    this.#good = Date.now() + (expiresIn - Math.min(EARLY, expiresIn / 2)) * 1000;
    this.#keep();
  }

  #forget() {
    this.#access = this.#refresh = "";
    this.#good = 0;
    this.#keep();
  }

  #keep(away = document.visibilityState === "hidden") {
    if (away && this.#refresh) sessionStorage.setItem(KEPT, this.#refresh);
    else sessionStorage.removeItem(KEPT);
  }
}
