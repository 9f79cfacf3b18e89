import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/** The wall clock at the start of a simulation. */
export const START = Date.parse('2031-03-04T05:06:07.089Z');

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Returns pseudo-random numbers in [0, 1) that depend on the seed alone (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Time that passes only from one event to the next: a timer, or the arrival of a message. Everything that happens in a simulation
 * follows from one seed: time, random numbers, and the order of the events.
 */
export class SimulatedTime {
  readonly random: () => number;
  /** Ordered by time, the next one last. */
  readonly #events: Event[] = [];
  #now = 0;
  #order = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  readonly clock = (): number => START + Math.floor(this.#now);

  /** Runs `run` after a delay in milliseconds; the returned function cancels that. */
  after(delay: number, run: () => void): () => void {
    const event: Event = { at: this.#now + Math.max(0, delay), order: this.#order++, run };
    let low = 0;
    for (let high = this.#events.length; low < high; ) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle] as Event;
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Resolves after a number of milliseconds. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets time pass until `isOver` returns true after an event, or until no event is left. */
  async runUntil(isOver: () => boolean): Promise<void> {
    await settled();
    while (!isOver()) {
      const event = this.#events.pop();
      if (!event) return;
      this.#now = event.at;
      event.run();
      await settled();
    }
  }

  /** A UUID from the random numbers. */
  uuid(): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(this.random() * 16).toString(16)).join('');
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }
}

/** Resolves when every promise has run as far as it can without an event: after the microtasks, which Node runs before a tick. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/**
 * Replaces the timers, the monotonic clock and the random numbers of this process until the returned function is called. `operation` must not
 * use files, sockets or threads: their events would come in another order each time.
 */
export async function inSimulatedTime<T>(time: SimulatedTime, operation: () => Promise<T>): Promise<T> {
  const originals = {
    global: {
      setTimeout: globalThis.setTimeout,
      clearTimeout: globalThis.clearTimeout,
      setImmediate: globalThis.setImmediate,
    },
    now: performance.now,
    random: Math.random,
    sleep: timers.setTimeout,
    uuid: crypto.randomUUID,
  };
  const setTimer = (run: (...values: unknown[]) => void, ms = 0, ...values: unknown[]) => {
    const cancel = time.after(ms, () => run(...values));
    const timer = { cancel, ref: () => timer, unref: () => timer };
    return timer;
  };
  const sleep = (ms = 0, value?: unknown, { signal }: { readonly signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const abort = () => {
        cancel();
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const cancel = time.after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  Object.assign(globalThis, {
    setTimeout: setTimer,
    clearTimeout: (timer: { cancel(): void } | undefined) => timer?.cancel(),
    setImmediate: (run: () => void) => setTimer(run),
  });
  performance.now = () => time.now;
  Math.random = time.random;
  Object.assign(timers, { setTimeout: sleep });
  Object.assign(crypto, { randomUUID: () => time.uuid() });
  syncBuiltinESMExports();
  try {
    return await operation();
  } finally {
    Object.assign(globalThis, originals.global);
    performance.now = originals.now;
    Math.random = originals.random;
    Object.assign(timers, { setTimeout: originals.sleep });
    Object.assign(crypto, { randomUUID: originals.uuid });
    syncBuiltinESMExports();
  }
}
