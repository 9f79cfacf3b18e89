import { RedemptionError } from '../../../domain/redemption-error.js';
import { BoundedMap } from '../../../time/bounded-map.js';

const WINDOW_MS = 30_000;
// Usual certificates need about 2 ms of CPU, the slowest accepted ones about 60 ms. A check may start just below the limit, so
// a namespace uses at most 0.4 % of the time.
const CPU_BUDGET_MS = 50;
const MAX_NAMESPACES = 10_000;

/**
 * Limits the CPU time for checking the certificates of a namespace. A check blocks the event loop, so it delays the
 * redemptions of other namespaces.
 */
export class CertificateCheckBudget {
  readonly #windows = new BoundedMap<string, { spentMs: number; readonly from: number }>(MAX_NAMESPACES);

  /**
   * Runs a check. Throws RedemptionError `overloaded` if the checks of the namespace have used 50 ms of CPU within 30 seconds.
   * `now` is in milliseconds.
   */
  run<T>(namespace: string, now: number, check: () => T): T {
    const window = this.#windowOf(namespace, now);
    if (window.spentMs >= CPU_BUDGET_MS) {
      throw new RedemptionError(
        'overloaded',
        `the certificates of namespace "${namespace}" took more than ${CPU_BUDGET_MS} ms of CPU within 30 seconds`,
      );
    }
    const before = process.cpuUsage();
    try {
      return check();
    } finally {
      const { user, system } = process.cpuUsage(before);
      window.spentMs += (user + system) / 1000;
    }
  }

  #windowOf(namespace: string, now: number): { spentMs: number } {
    const current = this.#windows.get(namespace);
    if (current && now >= current.from && now < current.from + WINDOW_MS) return current;
    const next = { spentMs: 0, from: now };
    this.#windows.set(namespace, next);
    return next;
  }
}
