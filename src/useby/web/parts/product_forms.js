/** @module What a person can change of a product. */

import { html } from "../html.js";
import { withMessage } from "../state.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Radios, TextField } from "./field.js";
import { Icon } from "./icon.js";
import { useNames } from "./more.js";
import { ruleOf, typedRule } from "./rules.js";

/** @typedef {import("../types.js").Product} Product */
/** @typedef {{product: Product, onChange: (fields: object) => Promise<boolean>}} Props */

const RULES = /** @type {const} */ (["shelfLife", "afterOpening", "afterFreezing", "afterThawing"]);

/** @param {Props} props */
export function Rules({ product, onChange }) {
  const { app } = useApp();
  const { t } = app;
  const [texts, setTexts] = useState(() =>
    /** @type {Record<string, string>} */ (Object.fromEntries(RULES.map((rule) => [rule, typedRule(product[rule])]))),
  );
  const [bad, setBad] = useState("");
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const wrong = RULES.find((rule) => ruleOf(texts[rule] ?? "") === undefined);
    setBad(wrong ?? "");
    if (wrong) return;
    const rules = Object.fromEntries(RULES.map((rule) => [rule, ruleOf(texts[rule] ?? "")]));
    if (await onChange(rules)) app.store.update(withMessage, t("done.changed"));
  };
  return html`
    <form onSubmit=${submit}>
      <p class="hint">${t("product.rules.hint")}</p>
      <div class="grid">
        ${RULES.map(
          (rule) => html`
            <${TextField}
              label=${t(`product.${rule}`)}
              name=${rule}
              value=${texts[rule]}
              error=${bad === rule ? t("product.rules.bad") : ""}
              onInput=${(/** @type {string} */ text) => setTexts((before) => ({ ...before, [rule]: text }))}
            />
          `,
        )}
      </div>
      <div class="row"><button class="button">${t("product.save")}</button></div>
    </form>
  `;
}

/** @param {Props} props */
export function Barcodes({ product, onChange }) {
  const { app } = useApp();
  const { t } = app;
  const [barcode, setBarcode] = useState("");
  /** @param {Event} event */
  const add = async (event) => {
    event.preventDefault();
    if (!barcode.trim()) return;
    if (await onChange({ barcodes: [...product.barcodes, barcode] })) setBarcode("");
  };
  return html`
    ${!product.barcodes.length && html`<p class="hint">${t("product.barcodes.none")}</p>`}
    <ul class="story" role="list">
      ${product.barcodes.map(
        (each) => html`
          <li key=${each}>
            <p><bdi>${each}</bdi></p>
            <button
              type="button"
              class="button button--icon"
              aria-label=${t("product.barcode.remove", { barcode: each })}
              onClick=${() => void onChange({ barcodes: product.barcodes.filter((other) => other !== each) })}
            >
              <${Icon} name="close" />
            </button>
          </li>
        `,
      )}
    </ul>
    <form class="row" onSubmit=${add}>
      <${TextField} label=${t("add.barcode")} name="barcode" value=${barcode} onInput=${setBarcode} />
      <button class="button">${t("product.barcode.add")}</button>
    </form>
  `;
}

/** @param {Props} props */
export function Details({ product, onChange }) {
  const { app } = useApp();
  const { t } = app;
  const { name, category, unit, notes, dateKind, minimumStock } = product;
  const [fields, setFields] = useState({ name, category, unit, notes, dateKind: String(dateKind), minimumStock: minimumStock ?? "" });
  const categories = useNames("categories");
  /** @param {keyof typeof fields} field */
  const set = (field) => (/** @type {string} */ value) => setFields((before) => ({ ...before, [field]: value }));
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const stock = fields.minimumStock.trim().replace(",", ".");
    if (await onChange({ ...fields, minimumStock: stock || null })) app.store.update(withMessage, t("done.changed"));
  };
  return html`
    <form onSubmit=${submit}>
      <div class="grid">
        <${TextField} label=${t("add.name")} name="name" required value=${fields.name} onInput=${set("name")} />
        <${TextField} label=${t("add.category")} name="category" value=${fields.category} options=${categories} onInput=${set("category")} />
        <${TextField} label=${t("add.unit")} name="unit" value=${fields.unit} onInput=${set("unit")} />
        <${TextField} label=${t("product.minimumStock")} name="minimumStock" inputmode="decimal" value=${fields.minimumStock} onInput=${set("minimumStock")} />
      </div>
      <${Radios}
        label=${t("add.kind")}
        name="kind"
        value=${fields.dateKind}
        onChange=${set("dateKind")}
        choices=${[["use_by", t("add.kind.use_by")], ["best_before", t("add.kind.best_before")]]}
      />
      <${TextField} label=${t("product.notes")} name="notes" value=${fields.notes} onInput=${set("notes")} />
      <div class="row"><button class="button">${t("product.save")}</button></div>
    </form>
  `;
}
