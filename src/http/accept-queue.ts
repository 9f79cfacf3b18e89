import { type AddressInfo, connect, isIPv6, type Server, type Socket } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';

// Node accepts one connection in each turn of the event loop. Probes are sent only while every turn has accepted one for at
// least this long.
const BUSY_MS = 500;
const PROBE_INTERVAL_MS = 100;
// With so few connections a long wait is the result of a pause of the process, not of load.
const MIN_CONNECTIONS = 100;
// An address of this machine that no client uses; every address in 127/8 is one of this machine.
const PROBE_ADDRESS = '127.0.108.103';

/**
 * Measures how long connections wait in the kernel's queue until they are accepted. Neither the number of open connections nor
 * the delay of the event loop shows this. So this class connects to the server, and measures how long this probe waits. The
 * process that accepts a probe closes it.
 */
export class AcceptQueueMonitor {
  #busySince: number | undefined;
  #accepted = 0;
  #acceptedThisTurn = false;
  #server: Server | undefined;
  #probe: { readonly since: number; readonly socket: Socket } | undefined;
  #measuredAt = 0;
  #lastWaitMs = 0;

  /**
   * Milliseconds that the latest probe waited, or the current one if it has waited longer; 0 until more than 100 connections
   * have arrived without a pause.
   */
  get waitMs(): number {
    if (this.#accepted <= MIN_CONNECTIONS) return 0;
    const untilNow = this.#probe ? performance.now() - this.#probe.since : 0;
    return Math.max(this.#lastWaitMs, untilNow);
  }

  setServer(server: Server): void {
    this.#server = server;
    server.once('close', () => this.#probe?.socket.destroy());
  }

  /** Records an accepted connection; returns true if it is a probe, which the caller closes. */
  recordAccepted(remoteAddress: string | undefined): boolean {
    this.#accepted += 1;
    this.#acceptedThisTurn = true;
    if (this.#busySince === undefined) {
      this.#busySince = performance.now();
      this.#checkAfterThisTurn();
    }
    return normalizeAddress(remoteAddress ?? '') === PROBE_ADDRESS;
  }

  /** Repeats until a turn of the event loop accepts no connection, because then none waits. */
  #checkAfterThisTurn(): void {
    setImmediate(() => {
      if (this.#acceptedThisTurn) {
        this.#acceptedThisTurn = false;
        this.#measure();
        this.#checkAfterThisTurn();
        return;
      }
      this.#busySince = undefined;
      this.#accepted = 0;
      this.#lastWaitMs = 0;
    });
  }

  #measure(): void {
    const now = performance.now();
    if (this.#probe || now - (this.#busySince ?? now) < BUSY_MS || now - this.#measuredAt < PROBE_INTERVAL_MS)
      return;
    const listening = this.#server?.address() as AddressInfo | null | undefined;
    if (!listening) return;
    const { port, address } = listening;
    // If the server listens on IPv6 only, the queue is not measured.
    const host = address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address;
    if (isIPv6(host)) return;
    const socket = connect({ host, port, localAddress: PROBE_ADDRESS });
    this.#probe = { since: now, socket };
    let isConnected = false;
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.on('error', () => undefined).resume();
    socket.once('close', () => {
      this.#measuredAt = performance.now();
      if (isConnected) this.#lastWaitMs = this.#measuredAt - now;
      this.#probe = undefined;
    });
  }
}
