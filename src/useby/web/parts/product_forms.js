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
  const [typed, setTyped] = useState(/** @type {Record<string, string>} */ ({}));
  const [bad, setBad] = useState("");
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const rules = Object.fromEntries(Object.entries(typed).map(([rule, text]) => [rule, ruleOf(text)]));
    const wrong = RULES.find((rule) => rule in rules && rules[rule] === undefined);
    setBad(wrong ?? "");
    if (wrong || (Object.keys(rules).length && !(await onChange(rules)))) return;
    setTyped({});
    app.store.update(withMessage, t("done.changed"));
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
              value=${typed[rule] ?? typedRule(product[rule])}
              error=${bad === rule ? t("product.rules.bad") : ""}
              onInput=${(/** @type {string} */ text) => setTyped((before) => ({ ...before, [rule]: text }))}
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
  /**
   * @param {string} removed
   * @param {Element} button which goes
   */
  const remove = async (removed, button) => {
    const heading = button.closest("section")?.querySelector("h2");
    if (await onChange({ barcodes: product.barcodes.filter((each) => each !== removed) })) heading?.focus();
  };
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
              onClick=${(/** @type {{currentTarget: Element}} */ { currentTarget }) => void remove(each, currentTarget)}
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
  const stored = { name, category, unit, notes, dateKind: String(dateKind), minimumStock: minimumStock ?? "" };
  const [typed, setTyped] = useState(/** @type {Partial<typeof stored>} */ ({}));
  const fields = { ...stored, ...typed }; // fields that others change are shown, and not sent back
  const categories = useNames("categories");
  /** @param {keyof typeof fields} field */
  const set = (field) => (/** @type {string} */ value) => setTyped((before) => ({ ...before, [field]: value }));
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    const stock = typed.minimumStock?.trim().replace(",", ".");
    const changed = { ...typed, ...(stock === undefined ? {} : { minimumStock: stock || null }) };
    if (Object.keys(changed).length && !(await onChange(changed))) return;
    setTyped({});
    app.store.update(withMessage, t("done.changed"));
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
