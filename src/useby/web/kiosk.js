/**
 * The page on a tablet on the fridge: `?kiosk=1` in its address. It is large, has no settings, and its
 * screen stays on.
 *
 * @module
 */

export const isKiosk = new URLSearchParams(location.search).get("kiosk") === "1";

/** Keep the screen on. The browser lets go of it whenever the page is hidden. */
export function keepAwake() {
  if (!("wakeLock" in navigator)) return;
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  let isAsking = false;
  const ask = async () => {
    if (isAsking || (lock && !lock.released) || document.visibilityState !== "visible") return;
    isAsking = true;
    // A battery that is nearly empty is a reason to refuse; it is asked for again later.
    lock = await navigator.wakeLock.request("screen").catch(() => null);
    isAsking = false;
  };
  document.addEventListener("visibilitychange", ask);
  document.addEventListener("pointerdown", ask);
  void ask();
}
