// npm's ws, written as in its README: the token verified at the upgrade, connections in a Map.

import { WebSocketServer } from 'ws';
import { PORT, established, message, obey, posted, userOf } from './control.mjs';

const connections = new Map();
const send = (userId, notification) => {
  const text = JSON.stringify(notification);
  for (const socket of connections.get(userId) ?? []) socket.send(text);
};
const server = posted(send);
const sockets = new WebSocketServer({ noServer: true });

server.on('upgrade', (request, stream, head) => {
  const userId = userOf(new URL(request.url, 'http://localhost').searchParams.get('access_token'));
  sockets.handleUpgrade(request, stream, head, (socket) => {
    if (userId === null) {
      socket.close(1008, 'Invalid access token');
      return;
    }
    const mates = connections.get(userId) ?? new Set();
    connections.set(userId, mates.add(socket));
    socket.on('message', (data) => {
      if (data.toString() === 'PING') socket.send(JSON.stringify({ type: 'pong' }));
    });
    socket.on('close', () => {
      mates.delete(socket);
      if (!mates.size) connections.delete(userId);
    });
    socket.on('error', () => socket.terminate());
    socket.send(JSON.stringify(established(userId)));
  });
});

server.listen(PORT, '127.0.0.1', 2048, () =>
  obey((userId, stamp) => send(userId, message(stamp))),
);
