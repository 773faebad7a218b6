// The type of htm's only function.
type Build<Node> = (strings: TemplateStringsArray, ...values: unknown[]) => Node;
declare const htm: { bind<Node>(create: (...given: never[]) => Node): Build<Node> };
export default htm;
