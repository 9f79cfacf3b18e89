import { BoundedMap } from '../time/bounded-map.js';

/**
 * Counts events of each key in periods of `seconds`; a period begins with the first event after the last period. At most
 * `maxKeys` keys are stored: beyond that the key with the oldest period is removed, and its next event starts at one.
 */
export class KeyedCounter {
  readonly #periodMs: number;
  readonly #periods: BoundedMap<string, { count: number; readonly endsAt: number }>;

  constructor({ seconds, maxKeys }: { readonly seconds: number; readonly maxKeys: number }) {
    this.#periodMs = seconds * 1000;
    this.#periods = new BoundedMap(maxKeys);
  }

  /** Counts an event of a key. Returns how many events its period has, this one included. */
  count(key: string): number {
    const now = performance.now();
    let period = this.#periods.get(key);
    if (!period || now >= period.endsAt) {
      period = { count: 0, endsAt: now + this.#periodMs };
      this.#periods.set(key, period);
    }
    period.count += 1;
    return period.count;
  }
}
