/**
 * What the page keeps on this device: the last known state, and the changes that wait to be sent.
 *
 * It is one database for the browser. A sign-out deletes it, in whichever tab it happens.
 *
 * @module
 */

import { KEPT_DATABASE } from "../session.js";

const VERSION = 1;
/** Key of the state of the person's own household; the id of another one follows. */
const STATE = "state";

/** @typedef {import("./outbox.js").Waiting} Waiting */
/** @typedef {import("./snapshot.js").Snapshot} Snapshot */
/** @typedef {"state" | "changes"} Table */

export class Database {
  /** @type {Promise<IDBDatabase> | null} */
  #opened = null;

  /**
   * @param {string} household its id; empty for the person's own
   * @returns {Promise<Snapshot | undefined>}
   */
  snapshot = (household) => this.#run("state", "readonly", (table) => table.get(STATE + household));

  /**
   * @param {string} household
   * @param {Snapshot} snapshot
   */
  keep = (household, snapshot) => this.#run("state", "readwrite", (table) => table.put(snapshot, STATE + household));

  /**
   * Forget the states of households that the person is no member of any more.
   *
   * @param {readonly string[]} households ids of those that stay, beside the person's own
   */
  async forgetOthers(households) {
    /** @type {string[]} */
    const keys = await this.#run("state", "readonly", (table) => table.getAllKeys());
    const gone = keys.filter((key) => key !== STATE && !households.includes(key.slice(STATE.length)));
    for (const key of gone) await this.#run("state", "readwrite", (table) => table.delete(key));
  }

  forgetSnapshot = () => this.#run("state", "readwrite", (table) => table.clear());

  /** @returns {Promise<Waiting[]>} in the order in which they were made */
  changes = () => this.#run("changes", "readonly", (table) => table.getAll());

  /**
   * @param {number} id
   * @returns {Promise<Waiting | undefined>}
   */
  change = (id) => this.#run("changes", "readonly", (table) => table.get(id));

  /**
   * Store a change; without an id it becomes the last one.
   *
   * @param {Omit<Waiting, "id"> & {id?: number}} change
   * @returns {Promise<number>} its id
   */
  put = (change) => this.#run("changes", "readwrite", (table) => table.put(change));

  /** @param {number} id */
  remove = (id) => this.#run("changes", "readwrite", (table) => table.delete(id));

  /**
   * @template Result
   * @param {Table} table
   * @param {IDBTransactionMode} mode
   * @param {(table: IDBObjectStore) => IDBRequest} act
   * @returns {Promise<Result>} after the commit
   */
  async #run(table, mode, act) {
    const database = await this.#open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(table, mode);
      const request = act(transaction.objectStore(table));
      transaction.oncomplete = () => resolve(/** @type {Result} */ (request.result));
      transaction.onabort = () => reject(transaction.error);
    });
  }

  #open() {
    this.#opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(KEPT_DATABASE, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("state");
        request.result.createObjectStore("changes", { keyPath: "id", autoIncrement: true });
      };
      request.onsuccess = () => {
        const database = request.result;
        const forget = () => {
          this.#opened = null;
        };
        database.onclose = forget;
        database.onversionchange = () => {
          database.close(); // it is deleted: a sign-out
          forget();
        };
        resolve(database);
      };
      request.onerror = () => {
        this.#opened = null;
        reject(request.error);
      };
    });
    return this.#opened;
  }
}
