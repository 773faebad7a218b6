/** @module The dialog that reads a barcode with the camera. */

import { agreed, openReader } from "../barcode_reader.js";
import { closeCamera, hasTorch, NoCamera, openCamera, setTorch } from "../camera.js";
import { html } from "../html.js";
import { cameraTexts } from "../text/camera.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";

/** Milliseconds between two pictures that are read. */
const PAUSE = 80;

/** @typedef {"" | "reader" | import("../camera.js").CameraProblem} Problem */

/**
 * @param {{onCode: (code: string) => void, onType: () => void, onClose: () => void}} props `onType` is
 *   called if a person would rather type the code
 */
export function ScanDialog({ onCode, onType, onClose }) {
  const { app } = useApp();
  const { t } = app;
  const texts = cameraTexts(app.language);
  const [attempt, setAttempt] = useState(0);
  const [stream, setStream] = useState(/** @type {MediaStream | null} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem} */ (""));
  const [codes, setCodes] = useState(/** @type {readonly string[]} */ ([]));
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));

  useEffect(() => {
    const use = new AbortController();
    setProblem("");
    void watch(video, use.signal, setStream).then(
      (found) => (found.length === 1 ? onCode(found[0] ?? "") : setCodes(found)),
      (/** @type {unknown} */ error) => {
        if (!use.signal.aborted) setProblem(error instanceof NoCamera ? error.problem : "reader");
      },
    );
    return () => use.abort();
  }, [attempt]);

  const isShown = stream && !problem && !codes.length;
  return html`
    <${Dialog} title=${t("add.scan")} onClose=${onClose}>
      <video ref=${video} class="scan__video" hidden=${!isShown} playsinline muted aria-hidden="true" />
      <p role="status" class=${problem ? "error" : "hint"}>
        ${problem ? texts[problem] : codes.length ? "" : stream ? texts.look : texts.wait}
      </p>
      ${codes.length > 0 &&
      html`
        <div class="which" role="group" aria-labelledby="scan-which">
          <p id="scan-which">${texts.which}</p>
          ${codes.map((code) => html`<button type="button" class="button" onClick=${() => onCode(code)}>${readable(code)}</button>`)}
        </div>
      `}
      <div class="row row--end">
        ${isShown && hasTorch(stream) && html`<${Torch} stream=${stream} name=${texts.torch} />`}
        ${(problem || attempt > 0) && problem !== "insecure" && html`<button type="button" class="button" onClick=${() => setAttempt(attempt + 1)}>${t("error.again")}</button>`}
        <button type="button" class="button" onClick=${onType}>${texts.type}</button>
        <button type="button" class="button button--quiet" onClick=${onClose}>${t("more.close")}</button>
      </div>
    <//>
  `;
}

/** @param {{stream: MediaStream, name: string}} props */
function Torch({ stream, name }) {
  const [on, setOn] = useState(false);
  const toggle = () => void setTorch(stream, !on).then(() => setOn(!on), () => {}); // it stays as it is
  return html`<button type="button" class="button" aria-pressed=${on ? "true" : "false"} onClick=${toggle}>${name}</button>`;
}

/**
 * Show what the camera sees until it sees barcodes, and return those.
 *
 * @param {{current: HTMLVideoElement | null}} video
 * @param {AbortSignal} signal ends it
 * @param {(stream: MediaStream | null) => void} onStream called with the open camera
 * @returns {Promise<readonly string[]>}
 */
async function watch(video, signal, onStream) {
  const stream = await openCamera();
  /** @type {import("../barcode_reader.js").Reader | null} */
  let reader = null;
  try {
    signal.throwIfAborted();
    onStream(stream);
    const element = video.current;
    if (!element) throw new TypeError("video");
    element.srcObject = stream;
    [reader] = await Promise.all([openReader(), element.play()]);
    const [track] = stream.getVideoTracks();
    /** @type {readonly string[]} */
    let before = [];
    while (track?.readyState === "live") {
      signal.throwIfAborted();
      const now = await reader.read(element);
      const codes = agreed(before, now);
      signal.throwIfAborted();
      if (codes.length) return codes;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    throw new NoCamera("busy"); // it was unplugged, or another program has taken it
  } finally {
    reader?.close();
    closeCamera(stream);
    onStream(null);
  }
}

/**
 * Return a code as people read it: without symbology identifier and separators.
 *
 * @param {string} code
 */
const readable = (code) => code.replace(/^\][A-Za-z][0-9A-Za-z]/, "").replaceAll("\u001d", " ");
