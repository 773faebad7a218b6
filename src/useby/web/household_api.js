/**
 * The routes of one household itself: its settings, members and invitations.
 *
 * @module
 */

import { request } from "./api.js";

/** @typedef {import("./types.js").Household} Household */
/** @typedef {import("./types.js").HouseholdInvitation} Invitation */
/** @typedef {import("./types.js").Member} Member */
/** @typedef {import("./types.js").Role} Role */

export class HouseholdApi {
  #session;
  #path;

  /**
   * @param {import("./session.js").Session} session
   * @param {string} id
   */
  constructor(session, id) {
    this.#session = session;
    this.#path = `households/${encodeURIComponent(id)}`;
  }

  /** @param {object} fields */
  change = async (fields) => /** @type {Household} */ (await this.#session.call("PATCH", this.#path, fields));

  delete = () => this.#session.call("DELETE", this.#path);

  members = async () =>
    /** @type {{items: Member[]}} */ (await this.#session.call("GET", `${this.#path}/members`)).items;

  /**
   * @param {string} userId
   * @param {Role} role
   */
  setRole = (userId, role) => this.#session.call("PATCH", `${this.#path}/members/${encodeURIComponent(userId)}`, { role });

  /** @param {string} userId */
  remove = (userId) => this.#session.call("DELETE", `${this.#path}/members/${encodeURIComponent(userId)}`);

  invitations = async () =>
    /** @type {{items: Invitation[]}} */ (await this.#session.call("GET", `${this.#path}/invitations`)).items;

  /** @param {Role} role */
  invite = async (role) =>
    /** @type {import("./types.js").NewInvitation} */ (await this.#session.call("POST", `${this.#path}/invitations`, { role }));

  /** @param {string} id */
  revoke = (id) => this.#session.call("DELETE", `${this.#path}/invitations/${encodeURIComponent(id)}`);
}

/**
 * Return the household and the role of an invitation; nobody has to be signed in.
 *
 * @param {string} token
 */
export const invitationOf = async (token) =>
  /** @type {{household: string, role: Role}} */ (await request("GET", `invitations/${encodeURIComponent(token)}`));

/**
 * @param {import("./session.js").Session} session
 * @param {string} token
 */
export const accept = async (session, token) =>
  /** @type {Household} */ (await session.call("POST", `invitations/${encodeURIComponent(token)}/accept`));
