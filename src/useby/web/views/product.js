/** @module One product: its lots, rules, barcodes, coming alerts and history. */

import { ApiError } from "../api.js";
import { html } from "../html.js";
import { useApp } from "../parts/context.js";
import { Icon } from "../parts/icon.js";
import { Lists } from "../parts/lot_list.js";
import { LotRow } from "../parts/lot_row.js";
import { useMore } from "../parts/more.js";
import { AddLot } from "../parts/add_lot.js";
import { PolicyDialog } from "../parts/policy_dialog.js";
import { Alerts, History } from "../parts/product_story.js";
import { Barcodes, Details, Rules } from "../parts/product_forms.js";
import { fragmentOf } from "../routes.js";
import { may, roleOf } from "../state/household.js";
import { asShown } from "../state/lots.js";
import { useEffect, useMemo, useState } from "../vendor/hooks.js";
import { keptOf } from "./products.js";

/** @typedef {import("../types.js").Product} Product */

export function ProductView() {
  const { app, state } = useApp();
  const { id } = state.route;
  const [isMissing, setMissing] = useState(false);
  const product = state.products.get(id);
  useEffect(() => {
    app.stock.loadProduct(id).catch((error) => {
      if (error instanceof ApiError && error.status === 404) setMissing(true);
      else void app.load(() => Promise.reject(error));
    });
  }, [id]);
  const { t } = app;
  return html`
    <p class="crumb"><a href=${fragmentOf("products")}>${t("products.title")}</a></p>
    <h1 tabindex="-1"><bdi>${product?.name ?? t(isMissing ? "product.missing" : "due.loading")}</bdi></h1>
    ${product && html`<${Known} product=${product} />`}
  `;
}

/** @param {{product: Product}} props */
function Known({ product }) {
  const { app, state } = useApp();
  const { t } = app;
  const more = useMore();
  const canChange = may(state, "change");
  const lots = keptOf(product, state.lots, state.today);
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
        <ul class="lots" role="list">
          ${lots.map(
            (lot) => html`
              <${LotRow}
                key=${lot.id}
                app=${app}
                lot=${asShown(lot, state.pending.get(lot.id))}
                today=${state.today}
                zone=${state.zone}
                role=${roleOf(state)}
                refused=${state.refused === lot.id}
                onMore=${more.open}
              />
            `,
          )}
        </ul>
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
    html`
      <section aria-labelledby="product-rules">
        <h2 id="product-rules">${t("product.rules")}</h2>
        <${Rules} key=${product.id} product=${product} onChange=${change} />
      </section>
      <section aria-labelledby="product-barcodes">
        <h2 id="product-barcodes">${t("product.barcodes")}</h2>
        <${Barcodes} product=${product} onChange=${change} />
      </section>
      <section aria-labelledby="product-details">
        <h2 id="product-details">${t("product.details")}</h2>
        <${Details} key=${product.id} product=${product} onChange=${change} />
      </section>
    `}
    <section aria-labelledby="product-history">
      <h2 id="product-history">${t("product.history")}</h2>
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
