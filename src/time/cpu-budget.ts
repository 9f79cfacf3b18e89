import { BoundedMap } from './bounded-map.js';

const WINDOW_MS = 30_000;
const MAX_KEYS = 10_000;

/** The limits of a {@link CpuBudget}, in milliseconds of CPU. */
export interface CpuLimits {
  /** CPU time that the work of a key may use within 30 seconds. */
  readonly budgetMs: number;
  /** CPU time that is not charged, for all work of one attempt together; 0 if absent. */
  readonly freeMs?: number;
}

/** Runs work and charges its CPU time to a budget. */
export type RunWork = <T>(work: () => T) => T;

/**
 * Limits the CPU time of synchronous work for each key, for example a namespace. Such work blocks the event loop, so it delays
 * everything else. The more a key used beyond its budget, the longer it waits. Times are in milliseconds.
 */
export class CpuBudget {
  readonly #limits: CpuLimits;
  /** When the last charge of a key was made, and when all that its work used is free again. */
  readonly #charges = new BoundedMap<string, { readonly at: number; readonly freeAt: number }>(MAX_KEYS);

  constructor(limits: CpuLimits) {
    this.#limits = limits;
  }

  /** Returns how long work for a key must wait from `now`; 0 if it may run. */
  waitMs(key: string, now: number): number {
    return Math.max(0, this.#freeAt(key, now) - WINDOW_MS - now);
  }

  /**
   * Starts an attempt, for example a redemption. Returns a function that runs a part of its work and charges the CPU time to a key,
   * also if the key must wait. `clock` returns milliseconds since the epoch.
   */
  startAttempt(key: string, clock: () => number): RunWork {
    let { freeMs = 0 } = this.#limits;
    return (work) => {
      const before = process.threadCpuUsage();
      try {
        return work();
      } finally {
        const { user, system } = process.threadCpuUsage(before);
        const costMs = (user + system) / 1000;
        this.#charge(key, clock(), Math.max(0, costMs - freeMs));
        freeMs = Math.max(0, freeMs - costMs);
      }
    };
  }

  #charge(key: string, now: number, ms: number): void {
    if (ms === 0) return;
    // Whole milliseconds: sums of fractions are not exact, and the wait would end a millisecond late.
    const lastsMs = Math.ceil((ms * WINDOW_MS) / this.#limits.budgetMs);
    this.#charges.set(key, { at: now, freeAt: this.#freeAt(key, now) + lastsMs });
  }

  /** Returns when all that the work of a key used is free again; `now` if it is, or if the clock was set back. */
  #freeAt(key: string, now: number): number {
    const charge = this.#charges.get(key);
    return charge && now >= charge.at ? Math.max(now, charge.freeAt) : now;
  }
}
