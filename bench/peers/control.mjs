// Orders to a Node server under measurement, on its standard input. The server ends when its input
// does, so that none outlives the harness.

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [, , port, usersFile, key] = process.argv;

export const PORT = Number(port);

/** Return a notification as defined by the contract: 200 bytes as JSON. */
export function message(stamp) {
  return {
    id: '0198f7a2-6c1e-7b3a-9f00-3c5d7e9f1b2d',
    message: `stamp ${String(stamp).padStart(19, '0')} Organic Milk expires in 2 days....`,
    type: 'warning',
    productName: 'Organic Milk',
    created_at: '2026-03-04T10:30:00Z',
  };
}

/** Return the first message of a connection. */
export function established(userId) {
  return { type: 'CONNECTION_ESTABLISHED', message: 'Notification WebSocket connected', userId };
}

/** Return the user of a valid HS256 token, verified with Node's own crypto; null for any other. */
export function userOf(token) {
  const [header, payload, signature] = (token ?? '').split('.');
  if (!signature) return null;
  const expected = createHmac('sha256', key).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  if (JSON.parse(Buffer.from(header, 'base64url')).alg !== 'HS256') return null;
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  return claims.exp > Date.now() / 1000 ? claims.sub : null;
}

/** Return an HTTP server that sends each post to every device of the token's user and stores none. */
export function posted(send) {
  return createServer(async (request, response) => {
    const userId = userOf(request.headers.authorization?.replace('Bearer ', ''));
    if (request.method !== 'POST' || userId === null) {
      response.writeHead(request.method === 'POST' ? 401 : 404).end();
      return;
    }
    const parts = [];
    for await (const part of request) parts.push(part);
    const created_at = `${new Date().toISOString().slice(0, 19)}Z`;
    const notification = { id: randomUUID(), ...JSON.parse(Buffer.concat(parts)), created_at };
    send(userId, notification);
    const answer = Buffer.from(JSON.stringify(notification));
    response
      .writeHead(201, { 'content-type': 'application/json', 'content-length': answer.length })
      .end(answer);
  });
}

/** Objects left to the garbage collector: cycles that live for a while. */
const garbage = new Array(20_000);
let dropped = 0;
function dropGarbage(count) {
  for (let number = 0; number < count; number += 1) {
    const scrap = { number, words: Array(4).fill(String(number)) };
    scrap.self = scrap;
    garbage[dropped++ % garbage.length] = scrap;
  }
}

/** Carry out the orders on standard input; `push(userId, stamp)` sends to all of a user's devices. */
export async function obey(push) {
  const everybody = JSON.parse(readFileSync(usersFile));
  process.stdout.write('ready\n');
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    dropGarbage(order.garbage ?? 0);
    for (let left = order.push; left > 0; left -= order.together) {
      for (let turn = Math.min(order.together, left); turn > 0; turn -= 1) {
        const user = everybody[Math.floor(Math.random() * order.among)];
        push(user, order.at ?? process.hrtime.bigint());
      }
      await new Promise(setImmediate);
    }
  }
  process.exit(0);
}
