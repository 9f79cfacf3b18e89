/** Limits of the waiting time after failures, in milliseconds: it doubles after each failure, up to the longest. */
export interface BackOffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** The wait after that many failures in a row (1 or more), in milliseconds; shortened by up to half at random. */
export function backOffDelay({ firstMs, longestMs }: BackOffLimits, failures: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  // Spread the retries of clients that failed at the same moment.
  return Math.round(full * (0.5 + Math.random() / 2));
}
