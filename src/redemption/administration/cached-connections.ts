import { sha256Hex } from '../../pki/sha256.js';
import type { Clock } from '../ports/clock.js';
import type { ConnectedPeer, ConnectionObserver, ObservedConnections } from '../ports/connections.js';

const TIMEOUT_MS = 3_000;
// `latest` starts a new observation if the last one is at least this old.
const FRESH_MS = 5_000;
// After a failure, the peers are unknown if the last successful observation is at least this old.
const MAX_AGE_MS = 60_000;

/** Caches the peers that `read` returns, so that callers of `latest` never wait for the source. */
export class CachedConnections implements ConnectionObserver {
  readonly #read: (signal: AbortSignal) => Promise<readonly ConnectedPeer[] | undefined>;
  readonly #clock: Clock;
  #last: ObservedConnections = { peers: undefined, version: '' };
  #running: Promise<void> | undefined;
  /** By `performance.now()`: the end of the last observation, and of the last one that succeeded. */
  #endedAt = Number.NEGATIVE_INFINITY;
  #succeededAt = Number.NEGATIVE_INFINITY;

  /** `read` resolves with undefined if the source does not report connections. */
  constructor(read: (signal: AbortSignal) => Promise<readonly ConnectedPeer[] | undefined>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  latest(): ObservedConnections {
    if (!this.#running && performance.now() - this.#endedAt >= FRESH_MS) {
      this.#running = this.#observe().finally(() => {
        this.#endedAt = performance.now();
        this.#running = undefined;
      });
    }
    return this.#last;
  }

  async observe(): Promise<ObservedConnections> {
    this.latest();
    await this.#running;
    return this.#last;
  }

  async #observe(): Promise<void> {
    try {
      const found = await this.#readInTime();
      const peers = found && distinct(found);
      this.#succeededAt = performance.now();
      this.#last = { peers, observedAt: this.#clock(), version: peers ? peersVersion(peers) : '' };
    } catch (error) {
      const isOld = performance.now() - this.#succeededAt >= MAX_AGE_MS;
      const problem = (error as Error).message;
      this.#last = isOld ? { peers: undefined, problem, version: 'unknown' } : { ...this.#last, problem };
    }
  }

  async #readInTime(): Promise<readonly ConnectedPeer[] | undefined> {
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        controller.abort();
        reject(new Error(`no response within ${TIMEOUT_MS / 1_000} s`));
      }, TIMEOUT_MS);
    });
    try {
      return await Promise.race([this.#read(controller.signal), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The peers without duplicates: each router of a site may have a connection. */
function distinct(peers: readonly ConnectedPeer[]): ConnectedPeer[] {
  return [...new Map(peers.map((peer) => [peerKey(peer), peer])).values()];
}

function peerKey({ siteId, siteName, linkName, acceptingSite }: ConnectedPeer): string {
  return JSON.stringify([siteId, siteName, linkName, acceptingSite]);
}

function peersVersion(peers: readonly ConnectedPeer[]): string {
  return sha256Hex(peers.map(peerKey).sort().join('')).slice(0, 16);
}
