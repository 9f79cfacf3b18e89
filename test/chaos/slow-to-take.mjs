// Loaded before a program (node --require, which works in an executable too): each connection that it takes holds it for so many milliseconds as TAKE_MS says, as
// on a machine that is busy. It sleeps meanwhile.
import { Server } from 'node:net';

const takeMs = Number(process.env.TAKE_MS);
const neverSet = new Int32Array(new SharedArrayBuffer(4));
const { emit } = Server.prototype;
Server.prototype.emit = function emitSlowly(event, ...values) {
  if (event === 'connection') Atomics.wait(neverSet, 0, 0, takeMs);
  return emit.call(this, event, ...values);
};
