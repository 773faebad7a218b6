/** @module The dialog in which a person downloads all stock. */

import { dayIn, isoDay } from "../dates.js";
import { html } from "../html.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { Radios } from "./field.js";

const FORMATS = /** @type {const} */ (["json", "csv", "xlsx"]);
/** Milliseconds after which the file of a download is released; the browser has begun to store it. */
const RELEASED = 60_000;

/** @param {{onClose: () => void}} props */
export function ExportDialog({ onClose }) {
  const { app, state } = useApp();
  const { t } = app;
  const [format, setFormat] = useState("json");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      const file = await app.api.exported(format);
      download(file, `useby-${isoDay(dayIn(Date.now(), state.zone))}.${format}`);
      onClose();
    } catch (failed) {
      setError(app.stock.reasonOf(failed));
      setBusy(false);
    }
  };
  return html`
    <${Dialog} title=${t("settings.export")} onClose=${onClose}>
      <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
        <${Radios}
          label=${t("export.format")}
          name="format"
          value=${format}
          onChange=${setFormat}
          choices=${FORMATS.map((each) => [each, each.toUpperCase()])}
        />
        <p class="hint">${t(format === "json" ? "export.whole" : "export.table")}</p>
        <p class="error" role="alert">${error}</p>
        <div class="row row--end">
          <button type="button" class="button button--quiet" onClick=${onClose}>${t("dialog.cancel")}</button>
          <button class="button button--main">${t(busy ? "export.busy" : "export.button")}</button>
        </div>
      </form>
    <//>
  `;
}

/**
 * Store a file on the device. A link to the route itself would lack the access token.
 *
 * @param {Blob} file
 * @param {string} name
 */
function download(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RELEASED);
}
