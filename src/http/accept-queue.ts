import { type AddressInfo, connect, isIPv6, type Server, type Socket } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';

// Node takes one connection in each turn of its event loop while the system holds any. While there is always another one, how
// long they wait is looked at, this often.
const BUSY_MS = 500;
const LOOK_MS = 100;
// All of 127/8 is this machine, so nobody else asks from there.
const OWN_ADDRESS = '127.0.108.103';

/**
 * How long connections wait until they are taken. Under load they wait in the system's queue, where neither open connections
 * nor a late event loop show it: so one of our own waits among them, and is closed by the process that takes it.
 */
export class AcceptQueue {
  #busySince: number | undefined;
  #taken = 0;
  #takenThisTurn = false;
  #server: Server | undefined;
  #waiting: { readonly since: number; readonly socket: Socket } | undefined;
  #lookedAt = 0;
  #lastWaitMs = 0;

  /** Milliseconds that the latest one waited; 0 while none waits. */
  get waitMs(): number {
    if (this.#busySince === undefined) return 0;
    const untilNow = this.#waiting ? performance.now() - this.#waiting.since : 0;
    return Math.max(this.#lastWaitMs, untilNow);
  }

  /** How many were taken since last none waited. */
  get length(): number {
    return this.#taken;
  }

  /** Looks at the queue of this server. */
  follow(server: Server): void {
    this.#server = server;
    server.once('close', () => this.#waiting?.socket.destroy());
  }

  /** Told of each connection that is taken; true for one of our own, which is to be closed. */
  noteTaken(remoteAddress: string | undefined): boolean {
    this.#taken += 1;
    this.#takenThisTurn = true;
    if (this.#busySince === undefined) {
      this.#busySince = performance.now();
      this.#lookAfterThisTurn();
    }
    return normalizeAddress(remoteAddress ?? '') === OWN_ADDRESS;
  }

  /** A turn in which none was taken shows that none waited. */
  #lookAfterThisTurn(): void {
    setImmediate(() => {
      if (this.#takenThisTurn) {
        this.#takenThisTurn = false;
        this.#measure();
        this.#lookAfterThisTurn();
        return;
      }
      this.#busySince = undefined;
      this.#taken = 0;
      this.#lastWaitMs = 0;
    });
  }

  #measure(): void {
    const now = performance.now();
    if (this.#waiting || now - (this.#busySince ?? now) < BUSY_MS || now - this.#lookedAt < LOOK_MS) return;
    const listening = this.#server?.address() as AddressInfo | null | undefined;
    if (!listening) return;
    const { port, address } = listening;
    // Where only IPv6 is listened on, this fails, and nothing is known of the queue.
    const host = address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address;
    if (isIPv6(host)) return;
    const socket = connect({ host, port, localAddress: OWN_ADDRESS });
    this.#waiting = { since: now, socket };
    let isConnected = false;
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.on('error', () => undefined).resume();
    socket.once('close', () => {
      this.#lookedAt = performance.now();
      if (isConnected) this.#lastWaitMs = this.#lookedAt - now;
      this.#waiting = undefined;
    });
  }
}
