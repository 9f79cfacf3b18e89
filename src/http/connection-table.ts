import type { Socket } from 'node:net';
import { sourceOf } from '../domain/peer-address.js';

// Hundreds of honest sites can stand behind one NAT address, each for the milliseconds of one request.
const PER_SOURCE = 1_024;

/** The open connections of a listener, bounded in all and per source; over a bound the oldest one is dropped. */
export class ConnectionTable {
  readonly #limit: number;
  readonly #all = new Set<Socket>();
  readonly #bySource = new Map<string, Set<Socket>>();

  /** `limit` connections at most in all. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(socket: Socket): void {
    const source = sourceOf(socket.remoteAddress ?? '');
    const sameSource = this.#bySource.get(source) ?? new Set();
    this.#bySource.set(source, sameSource);
    if (sameSource.size >= PER_SOURCE) dropOldest(sameSource);
    else if (this.#all.size >= this.#limit) dropOldest(this.#all);
    this.#all.add(socket);
    sameSource.add(socket);
    socket.once('close', () => {
      this.#all.delete(socket);
      sameSource.delete(socket);
      if (sameSource.size === 0 && this.#bySource.get(source) === sameSource) this.#bySource.delete(source);
    });
  }

  /** Ends every connection on which nothing has arrived. */
  destroyIdle(): void {
    for (const socket of this.#all) if (socket.bytesRead === 0) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#all) socket.destroy();
  }
}

// A Set iterates in the order of insertion.
function dropOldest(sockets: Set<Socket>): void {
  const [oldest] = sockets;
  oldest?.destroy();
}
