// Opens TLS connections at a rate, each with the same recorded ClientHello and without another byte, until its parent ends
// it. The source addresses alternate: 127.0.0.2, 127.0.0.3 …. Arguments: port, connections a second, number of addresses.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port, rate, addresses] = process.argv.slice(2).map(Number);
const TICK_MS = 50;

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
const start = performance.now();
let opened = 0;
setInterval(() => {
  const due = ((performance.now() - start) / 1_000) * rate;
  for (; opened < due; opened += 1) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (opened % addresses)}` });
    socket.on('error', () => undefined).resume();
    socket.write(hello);
  }
  // The parent may have disconnected since the last tick.
  process.send(opened, () => undefined);
}, TICK_MS);
