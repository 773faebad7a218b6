/** @module One product: its lots, rules, barcodes, coming alerts and history. */

import { ApiError } from "../api.js";
import { isUnreached } from "../changes.js";
import { html } from "../html.js";
import { withSketches } from "../offline/search.js";
import { useApp } from "../parts/context.js";
import { Icon } from "../parts/icon.js";
import { Lists } from "../parts/lot_list.js";
import { rowOf } from "../parts/lot_row.js";
import { useMore } from "../parts/more.js";
import { AddLot } from "../parts/add_lot.js";
import { PolicyDialog } from "../parts/policy_dialog.js";
import { Alerts, History } from "../parts/product_story.js";
import { Barcodes, Details, Rules } from "../parts/product_forms.js";
import { fragmentOf } from "../routes.js";
import { may } from "../state/household.js";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/hooks.js";
import { keptOf } from "./products.js";

/** @typedef {import("../types.js").Product} Product */

export function ProductView() {
  const { app, state } = useApp();
  const { t } = app;
  const { id } = state.route;
  const product = state.products.get(id);
  const failure = useLoaded(id);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const wasKnown = useRef(false);
  useLayoutEffect(() => {
    // Another device may delete the product while something of it has the focus.
    if (wasKnown.current && !product && document.activeElement === document.body) heading.current?.focus();
    wasKnown.current = Boolean(product);
  });
  return html`
    <p class="crumb"><a href=${fragmentOf("products")}>${t("products.title")}</a></p>
    <h1 ref=${heading} tabindex="-1"><bdi>${product?.name ?? t(failure || "due.loading")}</bdi></h1>
    ${product && html`<${Known} product=${product} />`}
  `;
}

/**
 * Load a product: when it is opened, when it is no longer known, and if it is not known when the node is reached
 * again. Without the node, the product is shown as far as its lots are kept.
 *
 * @param {string} id
 * @returns {"" | "product.missing" | "error.unreachable"} the text that states why it is not shown
 */
function useLoaded(id) {
  const { app, state } = useApp();
  const { store, stock } = app;
  const [failure, setFailure] = useState({ id, text: /** @type {"" | "product.missing" | "error.unreachable"} */ ("") });
  const loaded = useRef("");
  const product = state.products.get(id);
  const isKnown = product !== undefined && !product.isSketch;
  const isReached = state.connection.name === "connected" || state.connection.blocked;
  useEffect(() => {
    if (isKnown && loaded.current === id) return;
    const load = async () => {
      try {
        await stock.loadProduct(id);
        loaded.current = id;
      } catch (error) {
        const isMissing = error instanceof ApiError && error.status === 404;
        if (!isMissing) await app.load(() => Promise.reject(error)); // which shows what is kept
        if (isUnreached(error)) store.update(withSketches);
        setFailure({ id, text: isMissing ? "product.missing" : "error.unreachable" });
      }
    };
    void load();
  }, [id, isKnown, isReached]);
  return failure.id === id ? failure.text : "";
}

/** @param {{product: Product}} props */
function Known({ product }) {
  const { app, state } = useApp();
  const { t } = app;
  const more = useMore();
  const canChange = may(state, "change");
  const lots = keptOf(product, state.lots);
  /** @param {object} fields */
  const change = (fields) =>
    app.attempt(async () => {
      await app.api.changeProduct(product.id, fields);
      await app.stock.loadProduct(product.id);
    });
  // What has happened and what will be sent are fetched again after each change.
  const version = useMemo(() => ({}), [product]);
  const [changed, setAlerts] = useState({});
  const alerts = useMemo(() => ({}), [product, changed]);
  const [isTelling, setTelling] = useState(false);
  return html`
    <section aria-labelledby="product-lots">
      <h2 id="product-lots">${t("product.lots")}</h2>
      ${!lots.some(({ closedAs }) => !closedAs) && html`<p class="hint">${t("product.lots.none")}</p>`}
      <${Lists}>
        <div class="lots" role="list">${lots.map((lot) => rowOf({ app, state, lot, onMore: more.open }))}</div>
      <//>
      ${canChange &&
      html`
        <details class="fold">
          <summary><${Icon} name="add" />${t("product.lot.add")}</summary>
          <${AddLot} product=${product} />
        </details>
      `}
    </section>
    <section aria-labelledby="product-alerts">
      <h2 id="product-alerts">${t("product.alerts")}</h2>
      <${Alerts} id=${product.id} version=${alerts} />
      <p class="row"><button type="button" class="button" onClick=${() => setTelling(true)}>${t("policy.open")}</button></p>
    </section>
    ${canChange &&
    !product.isSketch &&
    html`
      <section aria-labelledby="product-rules">
        <h2 id="product-rules">${t("product.rules")}</h2>
        <${Rules} key=${product.id} product=${product} onChange=${change} />
      </section>
      <section aria-labelledby="product-barcodes">
        <h2 id="product-barcodes" tabindex="-1">${t("product.barcodes")}</h2>
        <${Barcodes} product=${product} onChange=${change} />
      </section>
      <section aria-labelledby="product-details">
        <h2 id="product-details">${t("product.details")}</h2>
        <${Details} key=${product.id} product=${product} onChange=${change} />
      </section>
    `}
    <section aria-labelledby="product-history">
      <h2 id="product-history" tabindex="-1">${t("product.history")}</h2>
      <${History} product=${product} version=${version} />
    </section>
    ${more.dialog}
    ${isTelling &&
    html`<${PolicyDialog} subjects=${subjectsOf(product, state.households.length > 1 && may(state, "policy"))} onClose=${() => setTelling(false)} onChange=${() => setAlerts({})} />`}
  `;
}

/**
 * Return what the policies of a product's alerts are about, nearest first.
 *
 * @param {Product} product
 * @param {boolean} withHousehold the person may change the household's
 * @returns {import("../types.js").PolicySubject[]}
 */
function subjectsOf({ id, name, category, location, dateKind }, withHousehold) {
  return [
    { scope: "product", key: id, name },
    ...(category ? [/** @type {const} */ ({ scope: "category", key: category })] : []),
    ...(location ? [/** @type {const} */ ({ scope: "location", key: location })] : []),
    { scope: "dateKind", key: dateKind },
    { scope: "account", key: null },
    ...(withHousehold ? [/** @type {const} */ ({ scope: "household", key: null })] : []),
  ];
}
