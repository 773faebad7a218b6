/**
 * The product that is typed and scanned in `Add`, until it is saved. Pure.
 *
 * A code fills only fields that no person has typed into, and a second code replaces what the first one
 * has filled.
 *
 * @module
 */

/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").Scan} Scan */

/**
 * @typedef {object} TypedDate
 * @property {string} text
 * @property {string | null} readFrom the text that was read; null while it is being read
 * @property {string | null} date `YYYY-MM-DD`
 * @property {boolean} never
 * @property {readonly string[]} readings more than one if a person has to choose
 * @property {string} problem
 */

/** @type {TypedDate} */
export const NO_DATE = { text: "", readFrom: "", date: null, never: false, readings: [], problem: "" };

export const EMPTY = {
  name: "",
  quantity: "1",
  unit: "",
  category: "",
  location: "",
  barcode: "",
  lotNumber: "",
  dateKind: "best_before",
};

/** @typedef {typeof EMPTY} Fields */

/**
 * @typedef {object} Draft
 * @property {Fields} fields
 * @property {Fields} kept values of an empty form; some are those of the product before
 * @property {Fields} filled values that no person has typed; a field that differs was typed
 * @property {TypedDate} date
 * @property {string} filledDate text of the date that a code has filled
 * @property {boolean} isNever
 * @property {Product | null} product the person's product that has the scanned code
 */

/** @type {Draft} */
export const NEW = {
  fields: EMPTY,
  kept: EMPTY,
  filled: EMPTY,
  date: NO_DATE,
  filledDate: "",
  isNever: false,
  product: null,
};

/**
 * @param {Draft} draft
 * @param {keyof Fields} name
 * @param {string} value
 * @returns {Draft}
 */
export const withTyped = (draft, name, value) => ({ ...draft, fields: { ...draft.fields, [name]: value } });

/**
 * Begin the next product. Category, location and kind of date are mostly the same again.
 *
 * @param {Draft} draft
 * @returns {Draft}
 */
export function afterSave({ fields: { category, location, dateKind } }) {
  const fields = { ...EMPTY, category, location, dateKind };
  return { ...NEW, fields, kept: fields, filled: fields };
}

/**
 * Put a scanned code into the field `Barcode`, before the node has read it.
 *
 * @param {Draft} draft
 * @param {string} code
 * @returns {Draft}
 */
export function withCode(draft, code) {
  const barcode = readable(code);
  const fields = { ...draft.fields, barcode };
  return { ...draft, fields, filled: { ...draft.filled, barcode }, product: null };
}

/**
 * Fill in what a code states.
 *
 * @param {Draft} draft
 * @param {string} code
 * @param {Scan} found
 * @returns {Draft}
 */
export function withScan(draft, code, found) {
  const { product } = found;
  const barcode = isNumber(readable(code)) || !found.gtin ? readable(code) : shown(found.gtin);
  /** @type {Partial<Fields>} */
  const stated = {
    name: found.name ?? product?.name ?? "",
    quantity: found.quantity ?? "",
    unit: found.unit ?? product?.unit ?? "",
    category: product?.category ?? "",
    location: product?.location ?? "",
    lotNumber: found.lotNumber ?? "",
    dateKind: found.dateKind ?? product?.dateKind ?? "",
  };
  const fields = { ...draft.fields, barcode };
  const filled = { ...draft.filled, barcode };
  for (const name of /** @type {(keyof Fields)[]} */ (Object.keys(stated))) {
    if (draft.fields[name] !== draft.filled[name]) continue; // typed by a person
    fields[name] = filled[name] = stated[name] || draft.kept[name];
  }
  return { ...draft, fields, filled, product, ...dateOf(draft, found.printedDate) };
}

/**
 * Return the product to which saving adds a lot: the one that has the code, unless a person has changed
 * what the form states about it. Null if saving adds a product.
 *
 * @param {Draft} draft
 */
export function productOf({ fields, filled, product }) {
  if (!product || fields.barcode !== filled.barcode) return null;
  const { name, unit, category } = fields;
  const isSame = name.trim() === product.name && unit === product.unit && category === product.category;
  return isSame ? product : null;
}

/**
 * Return the date after a scan.
 *
 * @param {Draft} draft
 * @param {string | null} printed
 */
function dateOf({ date, filledDate, isNever }, printed) {
  if (isNever || date.text !== filledDate) return { date, filledDate };
  const text = printed ?? "";
  return { date: { ...NO_DATE, text, readFrom: text, date: printed }, filledDate: text };
}

/**
 * Return a code without its symbology identifier if it is a plain number.
 *
 * @param {string} code
 */
function readable(code) {
  const number = code.trim().replace(/^\][A-Za-z][0-9A-Za-z]/, "");
  return isNumber(number) ? number : code.trim();
}

/** @param {string} text */
const isNumber = (text) => /^\d{6,14}$/.test(text);

/**
 * Return a GTIN of 14 digits as it stands below the bars.
 *
 * @param {string} gtin
 */
const shown = (gtin) => gtin.replace(/^0(?=\d{13}$)/, "");
