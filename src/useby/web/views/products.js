/** @module All products: search, filters, and a selection of several. */

import { html } from "../html.js";
import { LongList, lotHasChanged } from "../parts/chunk.js";
import { useApp } from "../parts/context.js";
import { Choice, TextField } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { Lists } from "../parts/lot_list.js";
import { rowOf } from "../parts/lot_row.js";
import { useMore, useNames } from "../parts/more.js";
import { Selection } from "../parts/selection.js";
import { Sentinel } from "../parts/sentinel.js";
import { Skeleton } from "../parts/skeleton.js";
import { fragmentOf } from "../routes.js";
import { may, roleOf } from "../state/household.js";
import { useEffect, useState } from "../vendor/hooks.js";
import { Component } from "../vendor/preact.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Product} Product */
/** @typedef {import("../state.js").State} State */

const STATUSES = /** @type {const} */ (["expired", "expiring", "fresh", "consumed", "discarded"]);
const SORTS = /** @type {const} */ (["expiryDate", "-expiryDate", "name", "-name", "-createdAt"]);
/** Milliseconds after the last key before a search begins. */
const PAUSE = 150;

export function Products() {
  const { app, state } = useApp();
  const { t } = app;
  const { listed } = state;
  const [filters, setFilters] = useState(listed.filters);
  const [selected, setSelected] = useState(/** @type {ReadonlySet<string>} */ (new Set()));
  const more = useMore();

  useEffect(() => {
    const timer = setTimeout(() => void app.load(() => app.stock.search(filters)), listed.loaded ? PAUSE : 0);
    return () => clearTimeout(timer);
  }, [filters]);

  const products = listed.ids.flatMap((id) => state.products.get(id) ?? []);
  const chosen = products.filter(({ id }) => selected.has(id));
  /** @param {string} id */
  const toggle = (id) =>
    setSelected((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  /**
   * @param {string} id
   * @param {State} shown
   */
  const rows = (id, shown) => {
    const product = shown.products.get(id);
    return (
      product &&
      html`<${ProductRows} key=${id} app=${app} state=${shown} product=${product} selected=${selected.has(id)} onToggle=${toggle} onMore=${more.open} />`
    );
  };
  return html`
    <h1 tabindex="-1">${t("products.title")}</h1>
    <${Filters} filters=${filters} onChange=${setFilters} />
    ${chosen.length > 0 && html`<${Selection} products=${chosen} onClear=${() => setSelected(new Set())} />`}
    ${!listed.loaded && !products.length && html`<${Skeleton} />`}
    ${listed.loaded && !products.length && html`<p class="hint">${t("products.none")}</p>`}
    <${Lists}>
      <${LongList} kind="lots--products" state=${state} ids=${products.map(({ id }) => id)} selected=${selected} row=${rows} hasChanged=${productHasChanged} />
    <//>
    ${listed.cursor !== null && html`<${Sentinel} mark=${listed.cursor} onVisible=${() => app.stock.moreFound()} />`}
    ${more.dialog}
  `;
}

/** @param {{filters: Record<string, string>, onChange: (filters: Record<string, string>) => void}} props */
function Filters({ filters, onChange }) {
  const { app } = useApp();
  const { t } = app;
  const categories = useNames("categories");
  const locations = useNames("locations");
  /** @param {string} name */
  const set = (name) => (/** @type {string} */ value) => onChange({ ...filters, [name]: value });
  /** @type {readonly [string, string]} */
  const any = ["", t("products.any")];
  return html`
    <form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${TextField} label=${t("products.search")} name="q" type="search" value=${filters.q ?? ""} onInput=${set("q")} />
      <div class="filters__more" role="group" aria-label=${t("products.filters")}>
        <${Choice}
          label=${t("products.status")}
          value=${filters.status ?? ""}
          onChange=${set("status")}
          choices=${[["", t("products.status.any")], ...STATUSES.map((each) => [each, t(`products.status.${each}`)])]}
        />
        <${Choice}
          label=${t("products.category")}
          value=${filters.category ?? ""}
          onChange=${set("category")}
          choices=${[any, ...categories.map((each) => [each, each])]}
        />
        <${Choice}
          label=${t("products.location")}
          value=${filters.location ?? ""}
          onChange=${set("location")}
          choices=${[any, ...locations.map((each) => [each, each])]}
        />
        <${Choice}
          label=${t("products.kind")}
          value=${filters.dateKind ?? ""}
          onChange=${set("dateKind")}
          choices=${[any, ["use_by", t("add.kind.use_by")], ["best_before", t("add.kind.best_before")]]}
        />
        <${Choice}
          label=${t("products.sort")}
          value=${filters.sort ?? "expiryDate"}
          onChange=${set("sort")}
          choices=${SORTS.map((each) => [each, t(`products.sort.${each}`)])}
        />
      </div>
    </form>
  `;
}

/**
 * @typedef {object} Props
 * @property {import("../parts/context.js").App} app
 * @property {State} state
 * @property {Product} product
 * @property {boolean} selected
 * @property {(id: string) => void} onToggle
 * @property {(lot: KeptLot) => void} onMore
 */

/**
 * The rows of a product: one for each of its open lots, or one for the product without any. They are
 * rendered again only if one of them has changed.
 *
 * @extends {Component<Props>}
 */
class ProductRows extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const { product, selected, state } = /** @type {Props} */ (this.props);
    return (
      next.product !== product ||
      next.selected !== selected ||
      next.state.today !== state.today ||
      next.state.zone !== state.zone ||
      next.state.refused !== state.refused ||
      roleOf(next.state) !== roleOf(state) ||
      (product.lots ?? []).some(({ id }) => lotHasChanged(id, state, next.state))
    );
  }

  render() {
    const { app, state, product, selected, onToggle, onMore } = /** @type {Props} */ (this.props);
    const box =
      may(state, "use") &&
      html`
        <input
          class="lot__select"
          type="checkbox"
          aria-label=${app.t("products.select", { name: product.name })}
          checked=${selected}
          onChange=${() => onToggle(product.id)}
        />
      `;
    const lots = keptOf(product, state.lots);
    if (!lots.length) {
      return html`
        <div class="lot lot--gone" role="listitem" aria-labelledby=${`${product.id}-name`}>
          ${box}
          <div class="lot__text">
            <a class="lot__name" dir="auto" id=${`${product.id}-name`} href=${fragmentOf("product", product.id)}>${product.name}</a>
          </div>
        </div>
      `;
    }
    return lots.map((lot, index) => {
      const before = index ? html`<span class="lot__same"><${Icon} name="back" /></span>` : box;
      return rowOf({ app, state, lot, onMore, before });
    });
  }
}

/**
 * Return true if the rows of a product show something else.
 *
 * @param {string} id
 * @param {State} before
 * @param {State} after
 */
function productHasChanged(id, before, after) {
  const product = after.products.get(id);
  if (before.products.get(id) !== product) return true;
  return (product?.lots ?? []).some((lot) => lotHasChanged(lot.id, before, after));
}

/**
 * Return a product's lots as the page keeps them.
 *
 * @param {Product} product
 * @param {ReadonlyMap<string, KeptLot>} known
 * @returns {KeptLot[]}
 */
export const keptOf = (product, known) => (product.lots ?? []).flatMap(({ id }) => known.get(id) ?? []);
