/**
 * Cursors store the position of a program, so that the next run continues from it.
 *
 * @module
 */

/** @typedef {{load(): string, save(text: string): void}} Cursor stores one text; `""` if empty */

/** Cursor in memory; it is gone when the page or the program ends. */
export class MemoryCursor {
  #text = "";

  load() {
    return this.#text;
  }

  /** @param {string} text */
  save(text) {
    this.#text = text;
  }
}

/** Cursor in the browser's storage. Use one key for each user and each page that runs alone. */
export class StorageCursor {
  #key;
  #storage;

  /**
   * @param {string} key
   * @param {Pick<Storage, "getItem" | "setItem">} storage
   */
  constructor(key, storage = localStorage) {
    this.#key = key;
    this.#storage = storage;
  }

  load() {
    return this.#storage.getItem(this.#key) ?? "";
  }

  /** @param {string} text */
  save(text) {
    try {
      this.#storage.setItem(this.#key, text);
    } catch {
      // The storage is full: after a restart, notifications since the last save come again.
    }
  }
}
