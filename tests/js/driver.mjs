// Drives npm's ws for the contract tests: a line of JSON in is a thing to do, a line out is what
// happened. Every line names the connection it is about, so one process serves a whole test.

import { createInterface } from "node:readline";
import WebSocket from "ws";

/** @type {Map<number, WebSocket>} */
const sockets = new Map();

const tell = (id, event, more = {}) =>
  process.stdout.write(JSON.stringify({ id, event, ...more }) + "\n");

function connect({ id, url, headers, autoPong }) {
  const socket = new WebSocket(url, { headers, autoPong });
  sockets.set(id, socket);
  socket.on("open", () => tell(id, "open", { extensions: socket.extensions }));
  socket.on("unexpected-response", (_request, response) => {
    tell(id, "refused", { status: response.statusCode });
    socket.terminate();
  });
  socket.on("message", (data, isBinary) =>
    tell(id, isBinary ? "binary" : "text", { data: data.toString() }),
  );
  socket.on("pong", () => tell(id, "pong"));
  socket.on("error", () => {}); // "close" follows, and carries all that is needed
  socket.on("close", (code, reason) => tell(id, "closed", { code, reason: reason.toString() }));
}

const actions = {
  connect,
  send: ({ id, data, binary }) =>
    sockets.get(id).send(Buffer.from(data, "base64"), { binary }, () => {}),
  ping: ({ id }) => sockets.get(id).ping(undefined, undefined, () => {}),
  pause: ({ id }) => sockets.get(id).pause(),
  resume: ({ id }) => sockets.get(id).resume(),
  close: ({ id, code, reason }) => sockets.get(id).close(code, reason),
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const wanted = JSON.parse(line);
  actions[wanted.do](wanted);
});
lines.on("close", () => process.exit(0));
