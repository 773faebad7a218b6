/**
 * The dialog that imports a file: first the node reports what it would store, then a person decides.
 *
 * @module
 */

import { ApiError } from "../api.js";
import { html } from "../html.js";
import { withFields, withMessage } from "../state.js";
import { Turns } from "../turns.js";
import { useEffect, useId, useMemo, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { ImportReport } from "./import_report.js";
import { textFile } from "./importing.js";

/** @typedef {import("../types.js").ImportOptions} ImportOptions */
/** @typedef {import("../types.js").ImportReport} Report */

/**
 * @typedef {object} Preview what a dry run has answered
 * @property {Report | null} report
 * @property {boolean} isReady the file can be imported with these options
 * @property {string} error a sentence if there is no report
 */

/** Maximum size of a file that the node takes, in bytes. */
const MOST = 8 * 1024 * 1024;
/** @type {ImportOptions} */
const NO_CHOICES = { columns: {}, order: "", skipBad: false };
/** @type {Preview} */
const NOTHING = { report: null, isReady: false, error: "" };

/** @param {{file: File | null, onClose: () => void}} props */
export function ImportDialog({ file, onClose }) {
  const { app } = useApp();
  const { t } = app;
  const [options, setOptions] = useState(NO_CHOICES);
  const { preview, busy, again } = useDryRun(file, options);
  const [isStoring, setStoring] = useState(false);
  const [error, setError] = useState("");
  useEffect(() => {
    setOptions(NO_CHOICES);
    setError("");
  }, [file]);

  const { report } = preview;
  const n = report && preview.isReady ? report.added + report.changed : 0;
  const canStore = n > 0 && !busy && !isStoring;
  const store = async () => {
    if (!file || !canStore) return;
    setStoring(true);
    setError("");
    try {
      const { added, changed } = await app.api.imported(file, options, false);
      app.store.update(withMessage, t("import.done", { n: added + changed }));
      onClose();
      void app.attempt(() => app.stock.loadShown());
    } catch (failed) {
      setError(app.stock.reasonOf(failed));
      setStoring(false);
    }
  };
  return html`
    <${Dialog} title=${t("settings.import")} onClose=${onClose}>
      ${!file && html`<${Choose} />`}
      <p class=${busy ? "hint" : "unseen"} role="status">${busy ? t("import.reading") : ""}</p>
      ${file && report && html`<${ImportReport} file=${file} report=${report} isReady=${preview.isReady} options=${options} onChange=${setOptions} />`}
      <p class="error" role="alert">${error || (busy ? "" : preview.error)}</p>
      <div class="row row--end import__end">
        ${preview.error && !busy && html`<button type="button" class="button" onClick=${again}>${t("error.again")}</button>`}
        <button type="button" class="button button--quiet" onClick=${onClose}>${t("dialog.cancel")}</button>
        ${file &&
        html`<button type="button" class="button button--main" disabled=${n === 0} aria-disabled=${canStore ? undefined : "true"} onClick=${() => void store()}>
          ${isStoring ? t("import.storing") : t("import.button", { n })}
        </button>`}
      </div>
    <//>
  `;
}

/** Choose a file, or paste a table. */
function Choose() {
  const { app } = useApp();
  const { t } = app;
  const id = useId();
  const [text, setText] = useState("");
  /** @param {File | undefined} file */
  const take = (file) => {
    if (file) app.store.update(withFields, { importing: { file } });
  };
  /** @param {{currentTarget: HTMLInputElement}} event */
  const choose = ({ currentTarget }) => take(currentTarget.files?.[0]);
  /** @param {ClipboardEvent} event */
  const paste = (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    take(file);
  };
  return html`
    <p class="hint">${t("import.formats")}</p>
    <div class="field import__choose">
      <label for=${`${id}-file`}>${t("import.file")}</label>
      <input id=${`${id}-file`} type="file" accept=".csv,.tsv,.txt,.xlsx,.json,.db" onChange=${choose} />
    </div>
    <div class="field import__choose">
      <label for=${`${id}-text`}>${t("import.paste")}</label>
      <textarea
        id=${`${id}-text`}
        rows="4"
        spellcheck=${false}
        value=${text}
        onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => setText(event.currentTarget.value)}
        onPaste=${paste}
      />
    </div>
    <div class="row">
      <button type="button" class="button" disabled=${!text.trim()} onClick=${() => take(textFile(text))}>${t("import.read")}</button>
    </div>
  `;
}

/**
 * Ask the node what it would store, again after each change of the options.
 *
 * @param {File | null} file
 * @param {ImportOptions} options
 */
function useDryRun(file, options) {
  const { app } = useApp();
  const turns = useMemo(() => new Turns(), []);
  const wanted = useRef({ file, options });
  wanted.current = { file, options };
  const isShown = useRef(true);
  const [preview, setPreview] = useState(NOTHING);
  const [busy, setBusy] = useState(false);
  const again = () => {
    if (!wanted.current.file) return;
    setBusy(true);
    const run = async () => {
      const given = wanted.current;
      if (!given.file || !isShown.current) return;
      const answered = await previewOf(app, given.file, given.options);
      if (wanted.current.file === given.file) setPreview(answered);
    };
    void turns.run("dry run", run).finally(() => setBusy(false));
  };
  useEffect(() => () => void (isShown.current = false), []);
  useEffect(() => setPreview(NOTHING), [file]);
  useEffect(again, [file, options]);
  return { preview, busy, again };
}

/**
 * Return what the node would store of a file.
 *
 * @param {import("./context.js").App} app
 * @param {File} file
 * @param {ImportOptions} options
 * @returns {Promise<Preview>}
 */
async function previewOf(app, file, options) {
  if (file.size > MOST) return { ...NOTHING, error: app.t("import.large") };
  try {
    return { report: await app.api.imported(file, options, true), isReady: true, error: "" };
  } catch (error) {
    if (error instanceof ApiError && "bad" in error.problem) {
      return { report: /** @type {Report} */ (error.problem), isReady: false, error: "" };
    }
    return { ...NOTHING, error: app.stock.reasonOf(error) };
  }
}
