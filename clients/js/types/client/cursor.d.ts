/**
 * Cursors store the position of a program, so that the next run continues from it.
 *
 * @module
 */
/** @typedef {{load(): string, save(text: string): void}} Cursor stores one text; `""` if empty */
/** Cursor in memory; it is gone when the page or the program ends. */
export class MemoryCursor {
    load(): string;
    /** @param {string} text */
    save(text: string): void;
    #private;
}
/** Cursor in the browser's storage. Use one key for each user and each page that runs alone. */
export class StorageCursor {
    /**
     * @param {string} key
     * @param {Pick<Storage, "getItem" | "setItem">} storage
     */
    constructor(key: string, storage?: Pick<Storage, "getItem" | "setItem">);
    load(): string;
    /** @param {string} text */
    save(text: string): void;
    #private;
}
/**
 * stores one text; `""` if empty
 */
export type Cursor = {
    load(): string;
    save(text: string): void;
};
