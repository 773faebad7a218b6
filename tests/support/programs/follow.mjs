// Follow a user's notifications, written from the public document's description of the socket: as
// its JavaScript example does, whatever is not CONNECTION_ESTABLISHED is taken for a notification
// and marked read. So after every pong goes a mark_read without an id.
//
//     node follow.mjs URL SECONDS_BETWEEN_PINGS
//
// Prints every frame as it comes. When its standard input ends it stops pinging, waits for the
// pongs that are due and for one more, so that an answer to its last mark_read would be seen, then
// closes and prints how many pings it sent.

import { createRequire } from "node:module";

const WebSocket = createRequire(new URL("../../js/", import.meta.url))("ws");
const [url, seconds] = process.argv.slice(2);
const socket = new WebSocket(url);
let pings = 0;
let pongs = 0;
let stopping = false;
let timer;

const ping = () => {
  if (socket.readyState === WebSocket.OPEN) {
    socket.send("PING");
    pings += 1;
  }
};

socket.onopen = () => {
  timer = setInterval(ping, Number(seconds) * 1000);
};

socket.onmessage = (event) => {
  console.log(event.data);
  const data = JSON.parse(event.data);
  if (data.type === "CONNECTION_ESTABLISHED") return;
  socket.send(JSON.stringify({ action: "mark_read", id: data.id }));
  if (data.type === "pong") pongs += 1;
  if (stopping && pongs === pings) socket.close(1000);
};

socket.onclose = (event) => {
  clearInterval(timer);
  console.log(JSON.stringify({ pings, code: event.code }));
};

process.stdin.resume();
process.stdin.on("end", () => {
  clearInterval(timer);
  stopping = true;
  ping();
});
