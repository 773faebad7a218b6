/**
 * Addresses of the views: the fragment of the URL.
 *
 * A new view gets an entry in `VIEWS` here, and its component in `views/index.js`.
 *
 * @module
 */

/** @typedef {"due" | "products" | "product" | "add" | "inbox" | "insights" | "settings"} View */
/** @typedef {{view: View, id: string}} Route */

/** Views with a link of their own, in the order of the links. */
/** @type {readonly Exclude<View, "product">[]} */
export const VIEWS = ["due", "products", "add", "inbox", "insights", "settings"];

/**
 * Return the views that a page has: a kiosk has no settings.
 *
 * @param {boolean} isKiosk
 */
export const viewsOf = (isKiosk) => (isKiosk ? VIEWS.filter((view) => view !== "settings") : VIEWS);

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
  const view = views.find((each) => each === name);
  return { view: view ?? "due", id: "" };
}

/**
 * Return the fragment of a view.
 *
 * @param {View} view
 * @param {string} [id] of the product
 */
export const fragmentOf = (view, id) =>
  view === "product" ? `#/products/${encodeURIComponent(id ?? "")}` : `#/${view}`;

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
