// Loaded before a program with `node --require`, which works in an executable. At each connection that the program accepts,
// blocks it for ACCEPT_DELAY_MS milliseconds, as on a busy machine, but without CPU load.
import { Server } from 'node:net';

const delayMs = Number(process.env.ACCEPT_DELAY_MS);
const neverSet = new Int32Array(new SharedArrayBuffer(4));
const { emit } = Server.prototype;
Server.prototype.emit = function emitSlowly(event, ...values) {
  if (event === 'connection') Atomics.wait(neverSet, 0, 0, delayMs);
  return emit.call(this, event, ...values);
};
