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
  readonly #used = new BoundedMap<string, { readonly ms: number; readonly at: number }>(MAX_KEYS);

  constructor(limits: CpuLimits) {
    this.#limits = limits;
  }

  /** Returns how long work for a key must wait from `now`; 0 if it may run. */
  waitMs(key: string, now: number): number {
    const { budgetMs } = this.#limits;
    return Math.ceil((Math.max(0, this.#usedMs(key, now) - budgetMs) * WINDOW_MS) / budgetMs);
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
    if (ms > 0) this.#used.set(key, { ms: this.#usedMs(key, now) + ms, at: now });
  }

  /** Returns the time that a key has used and that still counts against its budget; 0 if the clock was set back. */
  #usedMs(key: string, now: number): number {
    const used = this.#used.get(key);
    if (!used || now < used.at) return 0;
    return Math.max(0, used.ms - ((now - used.at) * this.#limits.budgetMs) / WINDOW_MS);
  }
}
