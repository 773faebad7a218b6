/** @module The keys of a hardware scanner, anywhere in a view. */

import { isTyped } from "../keys.js";
import { afterKey, NO_BURST } from "../scanner_keys.js";
import { useEffect, useRef } from "../vendor/hooks.js";

/**
 * Call `onCode` with each code that a hardware scanner types while the view is shown.
 *
 * Before the first key that may belong to a code, `onBegin` is called: what the keys put into a field
 * can be taken back to this moment.
 *
 * @param {() => void} onBegin
 * @param {(code: string) => void} onCode
 */
export function useScannerKeys(onBegin, onCode) {
  const latest = useRef({ onBegin, onCode });
  latest.current = { onBegin, onCode };
  useEffect(() => {
    let burst = NO_BURST;
    /** @param {KeyboardEvent} event */
    const onKey = (event) => {
      const next = afterKey(burst, event);
      burst = next.burst;
      if (next.begins) latest.current.onBegin();
      const isPlain = event.key.length === 1 && !event.ctrlKey;
      const isForField = isPlain && event.target instanceof HTMLElement && isTyped(event.target);
      // Within a burst a key is neither a shortcut of the page or the browser nor a press of a button.
      if (!next.code && (burst.text.length < 2 || isForField)) return;
      event.preventDefault();
      event.stopPropagation();
      if (next.code) latest.current.onCode(next.code);
    };
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  }, []);
}
