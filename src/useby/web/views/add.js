/** @module Adding a product: typed, or scanned with a camera or a hardware scanner. */

import { withTyped, productOf } from "../draft.js";
import { html } from "../html.js";
import { useAddForm } from "../parts/add_form.js";
import { useApp } from "../parts/context.js";
import { DateField } from "../parts/date_field.js";
import { Radios, TextField } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { useNames } from "../parts/more.js";
import { useScannerKeys } from "../parts/scanner_keys.js";
import { fragmentOf } from "../routes.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";

export function Add() {
  const { app, state } = useApp();
  const { t } = app;
  const { draft, latest, change, problems, note, busy, isKept, scan, save, restart } = useAddForm();
  const [ScanDialog, setScanDialog] = useState(/** @type {unknown} */ (null));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const beforeKeys = useRef(draft);
  const isTyping = useRef(false);
  const categories = useNames("categories");
  const locations = useNames("locations");
  const { fields } = draft;

  /** @param {keyof import("../draft.js").Fields} name */
  const set = (name) => (/** @type {string} */ value) => change((before) => withTyped(before, name, value));
  /** @param {string} name */
  const focus = (name) => {
    const field = form.current?.querySelector(`[name="${name}"]`);
    if (field instanceof HTMLElement) field.focus();
  };
  const openCamera = () =>
    app.attempt(async () => {
      const module = await import("../parts/scan_dialog.js");
      setScanDialog(() => module.ScanDialog);
    });
  const closeCamera = () => setScanDialog(null);
  /** @param {string} code */
  const take = async (code) => {
    closeCamera();
    const next = await scan(code);
    scrollTo(0, 0); // what was scanned stands at the top
    focus(next);
  };
  useScannerKeys(
    () => (beforeKeys.current = latest.current),
    (code) => {
      change(() => beforeKeys.current); // the keys have also gone into the field with the focus
      void take(code);
    },
  );
  useEffect(() => {
    if (!location.hash.endsWith("?scan")) return;
    history.replaceState(null, "", fragmentOf("add")); // a reload does not open the camera again
    void openCamera();
  }, [state.route]);
  useEffect(() => {
    if (ScanDialog || !isTyping.current) return;
    isTyping.current = false;
    focus("barcode"); // the dialog has just given the focus back
  }, [ScanDialog]);

  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const isMore = event.submitter instanceof HTMLButtonElement && event.submitter.value === "more";
    const found = await save();
    if (found) focus(Object.keys(found)[0] ?? "name");
    else if (isMore) focus("name");
    else location.hash = fragmentOf("due");
  };
  /** @param {KeyboardEvent} event */
  const onBarcodeKey = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // a typed code is read, and not saved
    if (fields.barcode.trim()) void take(fields.barcode);
  };
  /**
   * @param {keyof import("../draft.js").Fields} name
   * @param {string} label
   * @param {object} [more]
   */
  const field = (name, label, more) => html`
    <${TextField} label=${label} name=${name} value=${fields[name]} error=${problems[name]} onInput=${set(name)} ...${more} />
  `;
  return html`
    <h1 tabindex="-1">${t("add.title")}</h1>
    <form ref=${form} class="add" aria-busy=${busy ? "true" : "false"} novalidate onSubmit=${submit}>
      ${isKept &&
      html`
        <p class="row row--spread">
          <span>${t("add.kept")}</span>
          <button type="button" class="button" onClick=${() => [restart(), focus("name")]}>${t("add.restart")}</button>
        </p>
      `}
      <${ScanNote} note=${note} product=${productOf(draft)} />
      ${field("name", t("add.name"), { required: true, autocapitalize: "sentences" })}
      <${DateField}
        label=${t("add.date")}
        value=${draft.date}
        onChange=${(/** @type {import("../draft.js").TypedDate} */ date) => change((before) => ({ ...before, date }))}
        error=${problems.date}
        disabled=${draft.isNever}
      />
      <label class="check">
        <input type="checkbox" checked=${draft.isNever} onChange=${() => change((before) => ({ ...before, isNever: !before.isNever }))} />
        <span>${t("add.no-date")}</span>
      </label>
      <${Radios}
        label=${t("add.kind")}
        name="dateKind"
        value=${fields.dateKind}
        onChange=${set("dateKind")}
        choices=${[["use_by", t("add.kind.use_by")], ["best_before", t("add.kind.best_before")]]}
      />
      <div class="grid">
        ${field("quantity", t("add.quantity"), { inputmode: "decimal" })} ${field("unit", t("add.unit"))}
        ${field("category", t("add.category"), { options: categories })}
        ${field("location", t("add.location"), { options: locations })}
        ${field("barcode", t("add.barcode"), { hint: t("add.barcode.hint"), onKeyDown: onBarcodeKey })}
        ${field("lotNumber", t("add.lot-number"))}
      </div>
      <div class="add__actions">
        <button type="button" class="button" onClick=${openCamera}><${Icon} name="scan" />${t("add.scan")}</button>
        <button class="button button--main" name="save" disabled=${busy}>${t(busy ? "add.saving" : "add.save")}</button>
        <button class="button" value="more" disabled=${busy}>${t("add.save-more")}</button>
      </div>
    </form>
    ${ScanDialog &&
    html`<${ScanDialog}
      onCode=${take}
      onClose=${closeCamera}
      onType=${() => {
        isTyping.current = true;
        closeCamera();
      }}
    />`}
  `;
}

/**
 * Show what was scanned, and what is to be known about it.
 *
 * @param {{note: {read: string, warnings: readonly string[]}, product: import("../types.js").Product | null}} props
 */
function ScanNote({ note, product }) {
  const { t } = useApp().app;
  const { read, warnings } = note;
  return html`
    <div class="add__note" role="status">
      ${read && html`<p>${t("scan.read", { code: read })}${product && html` ${t("scan.known", { name: product.name })}`}</p>`}
      ${warnings.map((each) => html`<p class="warning">${each}</p>`)}
    </div>
  `;
}
