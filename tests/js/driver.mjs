// Drives npm's ws for the contract tests: a line of JSON in is a thing to do, a line out is what
// happened. A test has a connection of its own to this process; when it ends, so do the sockets that
// it opened. Every line names the socket it is about.

import { createServer } from "node:net";
import { createInterface } from "node:readline";
import WebSocket from "ws";

function serve(stream) {
  /** @type {Map<number, WebSocket>} */
  const sockets = new Map();

  const report = (id, event, more = {}) => {
    if (stream.writable) stream.write(JSON.stringify({ id, event, ...more }) + "\n");
  };

  function connect({ id, url, headers, autoPong }) {
    const socket = new WebSocket(url, { headers, autoPong });
    sockets.set(id, socket);
    socket.on("open", () => report(id, "open", { extensions: socket.extensions }));
    socket.on("unexpected-response", (_request, response) => {
      report(id, "refused", { status: response.statusCode });
      socket.terminate();
    });
    socket.on("message", (data, isBinary) =>
      report(id, isBinary ? "binary" : "text", { data: data.toString() }),
    );
    socket.on("pong", () => report(id, "pong"));
    socket.on("error", () => {}); // "close" follows, and carries all that is needed
    socket.on("close", (code, reason) => report(id, "closed", { code, reason: reason.toString() }));
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

  const lines = createInterface({ input: stream });
  lines.on("line", (line) => {
    const wanted = JSON.parse(line);
    actions[wanted.do](wanted);
  });
  lines.on("close", () => {
    for (const socket of sockets.values()) socket.terminate();
    stream.end();
  });
  stream.on("error", () => stream.destroy());
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
