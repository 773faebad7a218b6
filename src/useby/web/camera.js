/**
 * The device's camera.
 *
 * @module
 */

/** @typedef {"insecure" | "unsupported" | "refused" | "missing" | "busy"} CameraProblem */

/** @type {Readonly<Record<string, CameraProblem>>} */
const PROBLEMS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
};

/** No camera can be used. */
export class NoCamera extends Error {
  /** @param {CameraProblem} problem */
  constructor(problem) {
    super(problem);
    this.problem = problem;
  }
}

/**
 * Open the camera at the back, or else any.
 *
 * @returns {Promise<MediaStream>}
 * @throws {NoCamera}
 */
export async function openCamera() {
  // Browsers hide their cameras from pages that came over plain HTTP.
  if (!isSecureContext) throw new NoCamera("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new NoCamera("unsupported");
  const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    throw new NoCamera(PROBLEMS[name] ?? "busy");
  }
}

/** @param {MediaStream | null} stream */
export const closeCamera = (stream) => stream?.getTracks().forEach((track) => track.stop());

/**
 * Return true if the camera has a light that can be switched on.
 *
 * @param {MediaStream} stream
 */
export function hasTorch(stream) {
  const [track] = stream.getVideoTracks();
  return Boolean(track?.getCapabilities && "torch" in track.getCapabilities());
}

/**
 * @param {MediaStream} stream
 * @param {boolean} on
 */
export async function setTorch(stream, on) {
  const torch = /** @type {MediaTrackConstraintSet} */ ({ torch: on }); // not in TypeScript's list yet
  await stream.getVideoTracks()[0]?.applyConstraints({ advanced: [torch] });
}
