// Loaded before a program with `node --require`, which works in an executable. Blocks the program for TAKE_MS milliseconds at
// each connection that it accepts, as on a busy machine. The program sleeps meanwhile.
import { Server } from 'node:net';

const takeMs = Number(process.env.TAKE_MS);
const neverSet = new Int32Array(new SharedArrayBuffer(4));
const { emit } = Server.prototype;
Server.prototype.emit = function emitSlowly(event, ...values) {
  if (event === 'connection') Atomics.wait(neverSet, 0, 0, takeMs);
  return emit.call(this, event, ...values);
};
