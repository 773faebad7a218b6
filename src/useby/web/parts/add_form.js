/** @module What `Add` does: scans fill its draft, and saving it adds a product or a lot. */

import { ApiError } from "../api.js";
import { afterSave, EMPTY, NEW, productOf, withCode, withScan } from "../draft.js";
import { withMessage } from "../state.js";
import { useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { understood } from "./date_field.js";
import { forgetDraft, keepDraft, keptDraft } from "./kept_draft.js";

/** @typedef {import("../draft.js").Draft} Draft */
/** @typedef {Record<string, string>} Problems sentences by the name of their field */

const NO_NOTE = { read: "", warnings: /** @type {readonly string[]} */ ([]) };

/**
 * Return the draft of `Add`, and the functions that change and save it. It begins with what was typed before and not
 * saved.
 */
export function useAddForm() {
  const { app } = useApp();
  const [before] = useState(() => keptDraft(app));
  const [draft, setDraft] = useState(before ?? NEW);
  const [isKept, setKept] = useState(before !== null);
  const [problems, setProblems] = useState(/** @type {Problems} */ ({}));
  const [note, setNote] = useState(NO_NOTE);
  const [busy, setBusy] = useState(false);
  const latest = useRef(draft); // a key may come before the last change is shown
  const turn = useRef(Promise.resolve());

  /** @param {(draft: Draft) => Draft} next */
  const show = (next) => {
    latest.current = next(latest.current);
    setDraft(latest.current);
    setProblems({});
  };

  /** @param {(draft: Draft) => Draft} next */
  const change = (next) => {
    show(next);
    keepDraft(app, latest.current);
  };

  /** @param {(draft: Draft) => Draft} next returns what the form begins with */
  const begin = (next) => {
    show(next);
    forgetDraft();
    setNote(NO_NOTE);
    setKept(false);
  };

  /**
   * Fill in what a code states. Codes are read one after the other, and after a running save.
   *
   * @param {string} code
   * @returns {Promise<string>} the name of the field to go on with
   */
  const scan = async (code) => {
    const read = turn.current.then(async () => {
      change((before) => withCode(before, code));
      setNote(NO_NOTE);
      await app.attempt(async () => {
        const found = await app.api.scan(code);
        change((before) => withScan(before, code, found));
        setNote({ read: latest.current.fields.barcode, warnings: found.warnings });
      });
    });
    turn.current = read;
    await read;
    const { fields, date, isNever } = latest.current;
    return !fields.name.trim() ? "name" : date.text || isNever ? "save" : "date";
  };

  /**
   * Save the draft.
   *
   * @returns {Promise<Problems | null>} problems, or null if it is saved
   */
  const save = async () => {
    setBusy(true);
    const saving = saveDraft(app, latest.current, (date) => show((before) => ({ ...before, date })));
    forgetDraft(); // another view may be shown before the answer comes
    turn.current = saving.then(
      () => begin(afterSave),
      () => keepDraft(app, latest.current), // the problem is shown
    );
    try {
      await saving;
      await turn.current;
      return null;
    } catch (error) {
      const found = problemsOf(error, app.stock.reasonOf(error));
      setProblems(found);
      return found;
    } finally {
      setBusy(false);
    }
  };
  const restart = () => begin(() => NEW);
  return { draft, latest, change, problems, note, busy, isKept, scan, save, restart };
}

/** A field that lacks what saving needs. */
class Missing extends Error {}

/**
 * Add the product of a draft, or the lot of a product that is known.
 *
 * @param {import("./context.js").App} app
 * @param {Draft} draft
 * @param {(date: import("../draft.js").TypedDate) => void} onRead called with the date as it was read
 */
async function saveDraft(app, draft, onRead) {
  const { t } = app;
  const { fields, date, isNever } = draft;
  const name = fields.name.trim();
  const read = date.readFrom === date.text ? date : await understood(app, date.text);
  onRead(read);
  if (!isNever && !read.date && !read.never) {
    throw new Missing(read.problem || t(read.readings.length ? "add.date.which" : "add.date.missing"));
  }
  const product = productOf(draft);
  const { quantity, location, lotNumber, dateKind, ...texts } = fields;
  const lot = {
    quantity: quantity.trim().replace(",", ".") || "1",
    location,
    lotNumber,
    dateKind,
    expiryDate: isNever ? null : read.date,
  };
  const id = product
    ? (await app.api.addLot(product.id, lot)).productId
    : (await app.api.addProduct({ ...texts, ...lot, name })).id;
  app.store.update(withMessage, t("done.saved", { name }));
  void app.attempt(() => app.stock.changed(id));
}

/**
 * Return the problem under the name of its field.
 *
 * @param {unknown} error
 * @param {string} reason
 * @returns {Problems}
 */
function problemsOf(error, reason) {
  if (error instanceof Missing) return { date: error.message };
  const words = error instanceof ApiError ? error.fields : [];
  const name = Object.keys(EMPTY).find((each) => words.includes(each));
  return { [name ?? (words.some((each) => /Date$/.test(each)) ? "date" : "name")]: reason };
}
