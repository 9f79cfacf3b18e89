/** The wait after the first failure, which doubles after each further one, and the longest wait. */
export interface BackOffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Returns the wait in milliseconds after `failures` in a row (1 or more), shortened at random by up to half. */
export function backOffDelay({ firstMs, longestMs }: BackOffLimits, failures: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  // Spread the retries of clients that failed at the same moment.
  return Math.round(full * (0.5 + Math.random() / 2));
}
