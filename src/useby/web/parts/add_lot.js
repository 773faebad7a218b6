/** @module The form that adds a lot to a product. */

import { NO_DATE } from "../draft.js";
import { html } from "../html.js";
import { withMessage } from "../state.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { DateField, understood } from "./date_field.js";
import { TextField } from "./field.js";
import { useNames } from "./more.js";

/** @param {{product: import("../types.js").Product}} props */
export function AddLot({ product }) {
  const { app } = useApp();
  const { t } = app;
  const [date, setDate] = useState(NO_DATE);
  const [quantity, setQuantity] = useState("1");
  const [place, setPlace] = useState(product.location);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const locations = useNames("locations");

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    await save();
    setBusy(false);
  };
  const save = async () => {
    const read = date.readFrom === date.text ? date : await understood(app, date.text);
    setDate(read);
    // Without a date, the product's rule gives it, or the lot keeps for ever.
    if (read.text.trim() && !read.date && !read.never) {
      return setProblem(read.problem || t("add.date.which"));
    }
    setProblem("");
    const fields = { expiryDate: read.date, quantity: quantity.trim().replace(",", ".") || "1", location: place };
    const done = await app.attempt(async () => {
      const { productId } = await app.api.addLot(product.id, fields);
      void app.attempt(() => app.stock.changed(productId)); // if this fails, the lot is stored
    });
    if (!done) return;
    app.store.update(withMessage, t("done.saved", { name: product.name }));
    setDate(NO_DATE);
    setQuantity("1");
  };
  return html`
    <form novalidate aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <${DateField} label=${t("add.date")} value=${date} onChange=${setDate} error=${problem} />
      <div class="grid">
        <${TextField} label=${t("add.quantity")} name="quantity" inputmode="decimal" value=${quantity} onInput=${setQuantity} />
        <${TextField} label=${t("add.location")} name="location" value=${place} options=${locations} onInput=${setPlace} />
      </div>
      <div class="row"><button class="button button--main">${t("product.lot.add")}</button></div>
    </form>
  `;
}
