/**
 * The node's REST API: one request, and the routes that the page uses.
 *
 * @module
 */

import { reasonIn } from "./reasons.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./types.js").Channel} Channel */
/** @typedef {import("./types.js").Counts} Counts */
/** @typedef {import("./types.js").ImportOptions} ImportOptions */
/** @typedef {import("./types.js").ImportReport} ImportReport */
/** @typedef {import("./types.js").KeptLot} KeptLot */
/** @typedef {import("./types.js").Lot} Lot */
/** @typedef {import("./types.js").LotAction} LotAction */
/** @typedef {import("./types.js").LotDone} LotDone */
/** @typedef {import("./types.js").Me} Me */
/** @typedef {import("./types.js").Movement} Movement */
/** @typedef {import("./types.js").Picked} Picked */
/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").Reading} Reading */
/** @typedef {import("./types.js").Scan} Scan */
/** @typedef {import("./types.js").Stats} Stats */
/** @typedef {import("./types.js").Urgency} Urgency */
/**
 * @template Item
 * @typedef {import("./types.js").Page<Item>} Page
 */
/** @typedef {import("./types.js").PolicySubject} PolicySubject */
/** @typedef {{id: string, message: string, type: "info" | "warning" | "error", created_at: string, seq: number, productId: string | null, event: string, readAt: string | null, snoozedUntil?: string | null, householdId?: string | null}} NotificationOut */
/** @typedef {"json" | "blob" | "tagged"} Form of an answer; `tagged` is its JSON with its `ETag` */
/** @typedef {(method: string, path: string, body?: object, as?: Form) => Promise<unknown>} Call */
/** @typedef {(change: import("./changes.js").Change) => Promise<unknown>} Send */

/** An answer of the REST API that is not a success. */
export class ApiError extends Error {
  name = "ApiError";

  /**
   * @param {number} status
   * @param {string} detail a sentence for a person
   * @param {number} retryAfter seconds
   * @param {readonly string[]} [fields] names of the refused fields
   * @param {object} [problem] all members of the answer
   */
  constructor(status, detail, retryAfter, fields = [], problem = {}) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
    this.fields = fields;
    this.problem = problem;
  }
}

/**
 * Return the headers of a request within a household.
 *
 * @param {string | undefined} id none or empty for the person's own
 * @returns {Record<string, string>}
 */
export const headersOf = (id) => (id ? { "Useby-Household": id } : {});

/**
 * Milliseconds after which a request that may be repeated counts as not answered: the connection hangs, which
 * the browser may not notice for minutes.
 */
const PATIENCE = 10_000;

/** @param {string} path under `/api/` */
export const address = (path) => new URL(`../api/${path}`, import.meta.url);

/**
 * Send a request, with JSON or a file, and return the JSON or the file of its answer.
 *
 * @param {string} method
 * @param {string} path
 * @param {{token?: string, body?: object, cookie?: boolean, as?: Form, headers?: Record<string, string>}} [given] `cookie` if
 *   the answer or the request may have the cookie of the refresh token; a `body` that is a Blob is sent
 *   as it is
 * @returns {Promise<unknown>}
 * @throws {ApiError} the node refused it
 * @throws {TypeError} the node was not reached
 * @throws {DOMException} a `TimeoutError`: a request that may be repeated was not answered in time
 */
export async function request(method, path, { token, body, cookie = false, as = "json", headers: more = {} } = {}) {
  const headers = { ...more };
  if (token) headers.Authorization = `Bearer ${token}`;
  const isFile = body instanceof Blob;
  if (body) headers["Content-Type"] = isFile ? "application/octet-stream" : "application/json";
  // A read, a change with its key, and the exchange of the access token.
  const isRepeatable = (method === "GET" && as !== "blob") || "Idempotency-Key" in more || path === "auth/refresh";
  const answer = await fetch(address(path), {
    method,
    headers,
    body: isFile ? body : body ? JSON.stringify(body) : null,
    credentials: cookie ? "same-origin" : "omit",
    cache: "no-store",
    redirect: "error",
    signal: isRepeatable ? AbortSignal.timeout(PATIENCE) : null,
  });
  if (answer.ok && as === "tagged") return { etag: answer.headers.get("ETag") ?? "", value: await answer.json() };
  if (answer.ok) return answer.status === 204 ? null : answer[as === "blob" ? "blob" : "json"]();
  /** @type {{detail?: string, errors?: {at: string}[]}} */
  const problem = await answer.json().catch(() => ({}));
  const { detail, errors = [] } = problem;
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  const fields = errors.map(({ at }) => at.split(".")[1] ?? "");
  const reason = await reasonIn(globalThis.document?.documentElement.lang, detail || `The server answered ${answer.status}.`);
  throw new ApiError(answer.status, reason, retryAfter, fields, problem);
}

/**
 * Write a query; values that are empty are left out.
 *
 * @param {Record<string, string | number | null | undefined>} values
 */
function query(values) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") given.set(name, String(value));
  }
  return given.size ? `?${given}` : "";
}

/** @param {PolicySubject} subject */
const policyPath = ({ scope, key }) => `policies/${scope}${key === null ? "" : `/${encodeURIComponent(key)}`}`;

/** Number of rows of a page. */
export const PAGE_SIZE = 60;

/** The routes that need a sign-in. */
export class Api {
  #call;
  #send;

  /**
   * @param {Call} call sends a request with the access token
   * @param {Send} send sends a change, which waits on this device if the node is not reached
   */
  constructor(call, send) {
    this.#call = call;
    this.#send = send;
  }

  me = async () => /** @type {Me} */ (await this.#call("GET", "me"));

  households = async () => /** @type {Page<import("./types.js").Household>} */ (await this.#call("GET", "households"));

  counts = async () => /** @type {Counts} */ (await this.#call("GET", "lots/counts"));

  /**
   * List open lots by date: those of one group, or all.
   *
   * @param {{urgency?: Urgency, cursor?: string | null, limit: number}} which
   */
  lots = async (which) =>
    /** @type {Page<Omit<KeptLot, "countedOn">>} */ (await this.#call("GET", `lots${query(which)}`));

  /**
   * @param {string} id
   * @param {LotAction} action
   * @param {object} body
   */
  act = async (id, action, body) =>
    /** @type {LotDone} */ (await this.#send({ kind: "lot", subject: id, path: `lots/${id}/${action}`, body }));

  /** Count the open lots by the week of their date. */
  weeks = async () => /** @type {{items: import("./types.js").Week[]}} */ (await this.#call("GET", "lots/counts/weeks"));

  /**
   * @param {"month" | "category"} by
   * @param {string} from the first day that counts
   */
  stats = async (by, from) => /** @type {Stats} */ (await this.#call("GET", `stats${query({ by, from })}`));

  /**
   * @param {string} movementId
   * @param {readonly KeptLot[]} before lots as they were before the movement
   * @param {string} name of the product
   */
  undo = async (movementId, before, name) =>
    /** @type {Product} */ (
      await this.#send({ kind: "undo", subject: movementId, path: `movements/${movementId}/undo`, body: {}, before, name })
    );

  /**
   * @param {Record<string, string>} filters
   * @param {string | null} cursor
   */
  products = async (filters, cursor) =>
    /** @type {Page<Product>} */ (
      await this.#call("GET", `products${query({ include: "lots", limit: PAGE_SIZE, ...filters, cursor })}`)
    );

  /** @param {string} id */
  product = async (id) => /** @type {Product} */ (await this.#call("GET", `products/${id}?include=lots`));

  /** @param {object} fields */
  addProduct = async (fields) =>
    /** @type {Product} */ (await this.#send({ kind: "add", subject: "", path: "products", body: fields }));

  /**
   * @param {string} id
   * @param {object} fields
   */
  changeProduct = async (id, fields) =>
    /** @type {Product} */ (
      await this.#send({ kind: "edit", subject: id, method: "PATCH", path: `products/${id}`, body: fields })
    );

  /** @param {string} id */
  deleteProduct = (id) => this.#send({ kind: "delete", subject: id, method: "DELETE", path: `products/${id}`, body: {} });

  /**
   * @param {string} id
   * @param {"consume" | "discard"} action
   */
  takeAll = async (id, action) =>
    /** @type {Product & {movements: Movement[]}} */ (
      await this.#send({ kind: "product", subject: id, path: `products/${id}/${action}`, body: {} })
    );

  /**
   * @param {string} id
   * @param {object} fields
   */
  addLot = async (id, fields) =>
    /** @type {Lot} */ (await this.#send({ kind: "add", subject: id, path: `products/${id}/lots`, body: fields }));

  /** @param {string} id */
  allLots = async (id) => /** @type {{items: Lot[]}} */ (await this.#call("GET", `products/${id}/lots`));

  /**
   * @param {string} id
   * @param {string | null} cursor
   */
  movements = async (id, cursor) =>
    /** @type {Page<Movement>} */ (
      await this.#call("GET", `products/${id}/movements${query({ cursor, limit: PAGE_SIZE })}`)
    );

  /** @param {string} id */
  alerts = async (id) => /** @type {{items: Alert[]}} */ (await this.#call("GET", `products/${id}/alerts`));

  locations = async () => /** @type {{items: Picked[]}} */ (await this.#call("GET", "locations"));

  categories = async () => /** @type {{items: Picked[]}} */ (await this.#call("GET", "categories"));

  /**
   * @param {string} text
   * @param {string} today
   */
  readDate = async (text, today) =>
    /** @type {Reading} */ (await this.#call("GET", `dates?${new URLSearchParams({ text, today })}`));

  /** @param {string} data */
  scan = async (data) => /** @type {Scan} */ (await this.#call("POST", "scan", { data }));

  /**
   * @param {Record<string, string>} filters
   * @param {string | null} cursor
   */
  notifications = async (filters, cursor) =>
    /** @type {Page<NotificationOut>} */ (
      await this.#call("GET", `notifications${query({ limit: PAGE_SIZE, ...filters, cursor })}`)
    );

  unread = async () => /** @type {{unread: number}} */ (await this.#call("GET", "notifications/unread-count"));

  /** @param {string} id */
  markRead = (id) => this.#send({ kind: "read", subject: id, path: `notifications/${id}/read`, body: {} });

  /** @param {number} newest `seq` of the newest notification that is marked: later ones were not seen */
  markAllRead = (newest) =>
    this.#send({ kind: "read-all", subject: "", path: `notifications/read-all?upTo=${newest}`, body: {} });

  /**
   * @param {string} id
   * @param {{until: string}} until
   */
  snooze = (id, until) =>
    this.#send({ kind: "snooze", subject: id, path: `notifications/${id}/snooze`, body: until });

  /**
   * List the items of a summary, most urgent first.
   *
   * @param {string} id
   */
  itemsOf = async (id) =>
    /** @type {Page<import("./types.js").SummaryItem>} */ (
      await this.#call("GET", `notifications/${id}/items?limit=${PAGE_SIZE}`)
    );

  /**
   * Return why a notification was sent, by the rules as they are now.
   *
   * @param {string} id
   */
  reasonsOf = async (id) =>
    /** @type {{items: import("./types.js").AlertReason[]}} */ (await this.#call("GET", `notifications/${id}/because`));

  /** @param {string | null} cursor */
  signIns = async (cursor) =>
    /** @type {Page<import("./types.js").SignIn>} */ (await this.#call("GET", `sessions${query({ cursor })}`));

  /** @param {string} id */
  endSignIn = (id) => this.#call("DELETE", `sessions/${encodeURIComponent(id)}`);

  /** @param {string | null} cursor */
  policies = async (cursor) =>
    /** @type {Page<import("./types.js").Policy>} */ (await this.#call("GET", `policies${query({ cursor })}`));

  /**
   * Return the policy of a subject; null if it has none.
   *
   * @param {PolicySubject} subject
   */
  policy = async ({ scope, key }) => {
    const path = `policies${query({ scope, key })}`;
    const { items } = /** @type {Page<import("./types.js").Policy>} */ (await this.#call("GET", path));
    return items[0] ?? null;
  };

  /**
   * @param {PolicySubject} subject
   * @param {object} fields
   */
  putPolicy = (subject, fields) => this.#call("PUT", policyPath(subject), fields);

  /** @param {PolicySubject} subject */
  deletePolicy = (subject) => this.#call("DELETE", policyPath(subject));

  config = async () => /** @type {{channelKinds: string[]}} */ (await this.#call("GET", "config"));

  channels = async () => /** @type {{items: Channel[]}} */ (await this.#call("GET", "channels"));

  /** @param {object} fields */
  addChannel = async (fields) =>
    /** @type {Channel & {secret: string | null}} */ (await this.#call("POST", "channels", fields));

  /**
   * @param {string} id
   * @param {object} fields
   */
  changeChannel = async (id, fields) => /** @type {Channel} */ (await this.#call("PATCH", `channels/${id}`, fields));

  /** @param {string} id */
  deleteChannel = (id) => this.#call("DELETE", `channels/${id}`);

  /** @param {string} id */
  testChannel = async (id) =>
    /** @type {{sent: boolean, detail: string}} */ (await this.#call("POST", `channels/${id}/test`));

  /** @param {string} id */
  deliveries = async (id) =>
    /** @type {{items: import("./types.js").Delivery[]}} */ (await this.#call("GET", `channels/${id}/deliveries`));

  keys = async () => /** @type {{items: import("./types.js").ProgramKey[]}} */ (await this.#call("GET", "keys"));

  /**
   * @param {string} name
   * @param {readonly string[]} scopes
   * @param {string | undefined} householdId undefined for the person's own
   */
  addKey = async (name, scopes, householdId) =>
    /** @type {import("./types.js").ProgramKey & {key: string}} */ (await this.#call("POST", "keys", { name, scopes, householdId }));

  /** @param {string} id */
  revokeKey = (id) => this.#call("DELETE", `keys/${encodeURIComponent(id)}`);

  signOutEverywhere = () => this.#call("POST", "auth/logout-all");

  /** @param {object} fields */
  changeMe = async (fields) => /** @type {Me} */ (await this.#call("PATCH", "me", fields));

  /** @param {string} password */
  deleteMe = (password) => this.#call("DELETE", "me", { password });

  /** @param {string} format */
  exported = async (format) => /** @type {Blob} */ (await this.#call("GET", `export${query({ format })}`, undefined, "blob"));

  /**
   * Import a file, or only report what would be stored.
   *
   * @param {Blob} file
   * @param {ImportOptions} options
   * @param {boolean} dryRun
   */
  imported = async (file, { columns, order, skipBad }, dryRun) => {
    const given = new URLSearchParams({ dryRun: String(dryRun), skipBad: String(skipBad), ...(order && { order }) });
    for (const [theirs, ours] of Object.entries(columns)) given.append("map", `${theirs}:${ours || "-"}`);
    return /** @type {ImportReport} */ (await this.#call("POST", `import?${given}`, file));
  };

  addSamples = async () => /** @type {{added: number}} */ (await this.#call("POST", "samples"));

  removeSamples = async () => /** @type {{removed: number}} */ (await this.#call("DELETE", "samples"));
}
