// The part of the types of Preact's hooks that the page uses.
export function useState<Value>(
  initial: Value | (() => Value),
): [Value, (next: Value | ((before: Value) => Value)) => void];
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useMemo<Value>(create: () => Value, inputs: readonly unknown[]): Value;
export function useRef<Value>(initial: Value): { current: Value };
export function useContext<Value>(context: import("./preact.js").Context<Value>): Value;
export function useId(): string;
