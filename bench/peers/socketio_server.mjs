// npm's socket.io over WebSocket alone: the token verified in a middleware, a room for each user.

import { Server } from 'socket.io';
import { PORT, established, message, obey, posted, userOf } from './control.mjs';

const send = (userId, notification) => io.to(userId).emit('notification', notification);
const server = posted(send);
const io = new Server(server, { transports: ['websocket'], serveClient: false });

io.use((socket, next) => {
  const userId = userOf(socket.handshake.auth.token);
  if (userId === null) {
    next(new Error('Invalid access token'));
    return;
  }
  socket.data.userId = userId;
  next();
});

io.on('connection', (socket) => {
  socket.join(socket.data.userId);
  socket.emit('established', established(socket.data.userId));
});

server.listen(PORT, '127.0.0.1', 2048, () =>
  obey((userId, stamp) => send(userId, message(stamp))),
);
