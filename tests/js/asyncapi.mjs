// Has the AsyncAPI parser look at the document on stdin; prints what it finds, as JSON.

import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
const operations = (document?.operations().all() ?? []).map((operation) => [
  operation.id(),
  operation.messages().all().map((message) => message.name()),
]);
process.stdout.write(JSON.stringify({ diagnostics, operations: Object.fromEntries(operations) }));
