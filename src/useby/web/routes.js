/**
 * Addresses of the views: the fragment of the URL.
 *
 * A new view gets an entry in `VIEWS` here, and its component in `views/index.js`.
 *
 * @module
 */

/** @typedef {"due" | "products" | "product" | "add" | "inbox" | "insights" | "settings" | "invite"} View */
/**
 * `id` is that of the product, of the notification that a mail or a push leads to, or the token of an
 * invitation.
 *
 * @typedef {{view: View, id: string}} Route
 */

/** Views with a link of their own, in the order of the links. */
/** @type {readonly Exclude<View, "product" | "invite">[]} */
export const VIEWS = ["due", "products", "add", "inbox", "insights", "settings"];

/**
 * Return the views that a page has: a kiosk has no settings, and only a person who may change the stock
 * adds to it.
 *
 * @param {boolean} isKiosk
 * @param {boolean} [canAdd]
 */
export const viewsOf = (isKiosk, canAdd = true) =>
  VIEWS.filter((view) => !(isKiosk && view === "settings") && (canAdd || view !== "add"));

/**
 * Return the route of a fragment; an unknown one is `Due`.
 *
 * @param {string} fragment
 * @param {readonly View[]} [views]
 * @returns {Route}
 */
export function routeOf(fragment, views = VIEWS) {
  const [, name = "", id = ""] = fragment.replace(/\?.*$/, "").split("/");
  if (name === "products" && id) return { view: "product", id: decoded(id) };
  if (name === "invite" && id) return { view: "invite", id: decoded(id) };
  const view = views.find((each) => each === name);
  return { view: view ?? "due", id: view === "inbox" ? decoded(id) : "" };
}

/**
 * Return the fragment of a view.
 *
 * @param {View} view
 * @param {string} [id] of the product
 * @param {string} [household] in which the product is; without it, the one that is shown
 */
export function fragmentOf(view, id, household) {
  if (view !== "product") return `#/${view}`;
  return `#/products/${encodeURIComponent(id ?? "")}${household ? `?household=${encodeURIComponent(household)}` : ""}`;
}

/**
 * Return the household that a fragment names; an empty text if it names none.
 *
 * @param {string} fragment
 */
export const householdOf = (fragment) => new URLSearchParams(fragment.split("?")[1]).get("household") ?? "";

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
