import type { Socket } from 'node:net';
import { sourceOf } from '../domain/peer-address.js';

// Hundreds of honest sites can stand behind one NAT address, each for the milliseconds of one request.
const PER_SOURCE = 1_024;

/** The open connections of a listener, bounded in all and per source; over a bound the oldest one is dropped. */
export class ConnectionTable {
  readonly #limit: number;
  /** Each with its source, which a closed socket no longer tells. */
  readonly #all = new Map<Socket, string>();
  readonly #bySource = new Map<string, Set<Socket>>();

  /** `limit` connections at most in all. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(socket: Socket): void {
    const source = sourceOf(socket.remoteAddress ?? '');
    const neighbours = this.#bySource.get(source);
    if (neighbours && neighbours.size >= PER_SOURCE) this.#dropFirst(neighbours);
    else if (this.#all.size >= this.#limit) this.#dropFirst(this.#all.keys());
    this.#all.set(socket, source);
    const sameSource = this.#bySource.get(source) ?? new Set();
    this.#bySource.set(source, sameSource.add(socket));
    socket.once('close', () => this.#forget(socket));
  }

  /** Ends every connection on which nothing has arrived. */
  destroyIdle(): void {
    for (const socket of this.#all.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#all.keys()) socket.destroy();
  }

  /** Drops the first of sockets that are in the order in which they came. */
  #dropFirst(sockets: Iterable<Socket>): void {
    const [oldest] = sockets;
    if (!oldest) return;
    // At once: it closes only after the connections of this turn of the event loop, each of which needs a place.
    this.#forget(oldest);
    oldest.destroy();
  }

  #forget(socket: Socket): void {
    const source = this.#all.get(socket);
    if (source === undefined) return;
    this.#all.delete(socket);
    const sameSource = this.#bySource.get(source);
    sameSource?.delete(socket);
    if (sameSource?.size === 0) this.#bySource.delete(source);
  }
}
