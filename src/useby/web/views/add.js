/** @module Adding a product. */

import { ApiError } from "../api.js";
import { html } from "../html.js";
import { useApp } from "../parts/context.js";
import { DateField, NO_DATE, understood } from "../parts/date_field.js";
import { Radios, TextField } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { useNames } from "../parts/more.js";
import { withMessage } from "../state.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";

/** @typedef {import("../parts/date_field.js").TypedDate} TypedDate */

const EMPTY = {
  name: "",
  quantity: "1",
  unit: "",
  category: "",
  location: "",
  barcode: "",
  lotNumber: "",
  dateKind: "best_before",
};

export function Add() {
  const { app, state } = useApp();
  const { t } = app;
  const [fields, setFields] = useState(EMPTY);
  const [date, setDate] = useState(/** @type {TypedDate} */ (NO_DATE));
  const [isNever, setNever] = useState(false);
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const categories = useNames("categories");
  const locations = useNames("locations");

  /** @param {keyof typeof EMPTY} name */
  const set = (name) => (/** @type {string} */ value) => {
    setFields((before) => ({ ...before, [name]: value }));
    setProblems({});
  };
  /** @param {string} name */
  const focus = (name) => {
    const field = form.current?.querySelector(`[name="${name}"]`);
    if (field instanceof HTMLElement) field.focus();
  };
  /** @param {Record<string, string>} found */
  const refuse = (found) => {
    setProblems(found);
    focus(Object.keys(found)[0] ?? "name");
  };

  /** Fill in what a code states; what a person has typed stays. */
  const scan = async () => {
    if (!fields.barcode.trim()) return focus("barcode");
    await app.attempt(async () => {
      const found = await app.api.scan(fields.barcode);
      setFields((before) => ({
        ...before,
        name: before.name || found.name || found.product?.name || "",
        unit: before.unit || found.unit || found.product?.unit || "",
        category: before.category || found.product?.category || "",
        location: before.location || found.product?.location || "",
        lotNumber: before.lotNumber || found.lotNumber || "",
        quantity: found.quantity ?? before.quantity,
        dateKind: found.dateKind ?? found.product?.dateKind ?? before.dateKind,
      }));
      if (found.printedDate) setDate({ ...NO_DATE, text: found.printedDate, readFrom: found.printedDate, date: found.printedDate });
      if (found.warnings.length) setProblems({ barcode: found.warnings.join(" ") });
    });
  };

  useEffect(() => {
    if (location.hash.endsWith("?scan")) void scan();
  }, []);

  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const isMore = event.submitter instanceof HTMLButtonElement && event.submitter.value === "more";
    const name = fields.name.trim();
    const read = date.readFrom === date.text ? date : await understood(app, date.text);
    setDate(read);
    if (!isNever && !read.date && !read.never) {
      return refuse({ date: read.problem || t(read.readings.length ? "add.date.which" : "add.date.missing") });
    }
    setBusy(true);
    try {
      const { quantity, ...texts } = fields;
      const product = await app.api.addProduct({
        ...texts,
        name,
        quantity: quantity.trim().replace(",", ".") || "1",
        expiryDate: isNever ? null : read.date,
      });
      app.store.update(withMessage, t("done.saved", { name }));
      void app.attempt(() => app.stock.changed(product.id));
      setFields({ ...EMPTY, category: fields.category, location: fields.location, dateKind: fields.dateKind });
      setDate(NO_DATE);
      setNever(false);
      if (isMore) focus("name");
      else location.hash = "#/due";
    } catch (error) {
      refuse({ [fieldOf(error)]: app.stock.reasonOf(error) });
    } finally {
      setBusy(false);
    }
  };

  /** @param {KeyboardEvent} event */
  const onBarcodeKey = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // a scanner ends a code with Enter; that does not save
    void scan();
  };
  return html`
    <h1 tabindex="-1">${t("add.title")}</h1>
    <form ref=${form} class="add" aria-busy=${busy ? "true" : "false"} novalidate onSubmit=${submit}>
      <${TextField} label=${t("add.name")} name="name" required autocapitalize="sentences" value=${fields.name} error=${problems.name} onInput=${set("name")} />
      <${DateField} label=${t("add.date")} value=${date} onChange=${setDate} error=${problems.date} disabled=${isNever} />
      <label class="check">
        <input type="checkbox" checked=${isNever} onChange=${() => setNever(!isNever)} /><span>${t("add.no-date")}</span>
      </label>
      <${Radios}
        label=${t("add.kind")}
        name="dateKind"
        value=${fields.dateKind}
        onChange=${set("dateKind")}
        choices=${[["use_by", t("add.kind.use_by")], ["best_before", t("add.kind.best_before")]]}
      />
      <div class="grid">
        <${TextField} label=${t("add.quantity")} name="quantity" inputmode="decimal" value=${fields.quantity} error=${problems.quantity} onInput=${set("quantity")} />
        <${TextField} label=${t("add.unit")} name="unit" value=${fields.unit} error=${problems.unit} onInput=${set("unit")} />
        <${TextField} label=${t("add.category")} name="category" value=${fields.category} options=${categories} error=${problems.category} onInput=${set("category")} />
        <${TextField} label=${t("add.location")} name="location" value=${fields.location} options=${locations} error=${problems.location} onInput=${set("location")} />
        <${TextField}
          label=${t("add.barcode")}
          name="barcode"
          value=${fields.barcode}
          hint=${t("add.barcode.hint")}
          error=${problems.barcode}
          onInput=${set("barcode")}
          onKeyDown=${onBarcodeKey}
        />
        <${TextField} label=${t("add.lot-number")} name="lotNumber" value=${fields.lotNumber} error=${problems.lotNumber} onInput=${set("lotNumber")} />
      </div>
      <div class="row">
        <button class="button button--main" disabled=${busy}>${t(busy ? "add.saving" : "add.save")}</button>
        <button class="button" value="more" disabled=${busy}>${t("add.save-more")}</button>
        <button type="button" class="button" onClick=${scan}><${Icon} name="scan" />${t("add.scan")}</button>
      </div>
    </form>
    ${state.error && html`<p class="error">${state.error}</p>`}
  `;
}

/**
 * Return the name of the field that the node has refused.
 *
 * @param {unknown} error
 */
function fieldOf(error) {
  const names = Object.keys(EMPTY);
  const words = error instanceof ApiError ? error.fields : [];
  const found = names.find((name) => words.includes(name));
  return found ?? (words.some((each) => /Date$/.test(each)) ? "date" : "name");
}
