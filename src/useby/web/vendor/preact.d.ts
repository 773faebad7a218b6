// The part of Preact's types that the page uses; the library's own are 5,000 lines long.
export type Child = VNode | string | number | boolean | null | undefined | Child[];
export interface VNode {
  type: unknown;
  props: object;
  key: unknown;
}
export class Component<Props = object, State = object> {
  constructor(props: Props);
  props: Props;
  state: State;
  setState(change: Partial<State>): void;
  forceUpdate(): void;
}
export const Fragment: (props: { children: Child }) => VNode;
export function h(type: unknown, props: object | null, ...children: Child[]): VNode;
export function render(node: VNode, into: Element): void;
export interface Context<Value> {
  Provider: unknown;
  value?: Value;
}
export function createContext<Value>(initial: Value): Context<Value>;
