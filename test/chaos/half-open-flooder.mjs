// Opens TLS connections at a rate, each with the same recorded ClientHello and without another byte, until its parent ends
// it. The source addresses alternate: 127.0.0.2, 127.0.0.3 …. Arguments: port, connections a second, number of addresses.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port, rate, addresses] = process.argv.slice(2).map(Number);
const TICK_MS = 50;
// While so many connections wait for the first byte of the service, no other one is opened: the flood would use all of a slow machine.
const MAX_UNANSWERED = 100;

/** The first bytes that a TLS client sends. */
async function recordClientHello() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectTls({ port: server.address().port, host: '127.0.0.1' }).on('error', () => undefined);
  const [socket] = await once(server, 'connection');
  const [hello] = await once(socket, 'data');
  client.destroy();
  server.close();
  return hello;
}

process.once('disconnect', () => process.exit());
const hello = await recordClientHello();
let opened = 0;
let unanswered = 0;

function open() {
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (opened % addresses)}` });
  opened += 1;
  unanswered += 1;
  let isAnswered = false;
  const end = () => {
    if (!isAnswered) unanswered -= 1;
    isAnswered = true;
  };
  socket
    .on('error', () => undefined)
    .once('data', end)
    .once('close', end);
  socket.write(hello);
}

setInterval(() => {
  for (let due = (rate * TICK_MS) / 1_000; due > 0 && unanswered < MAX_UNANSWERED; due -= 1) open();
  // The parent may have disconnected since the last tick.
  process.send(opened, () => undefined);
}, TICK_MS);
