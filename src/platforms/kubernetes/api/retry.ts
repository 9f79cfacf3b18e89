import { setTimeout as sleep } from 'node:timers/promises';
import { backOffDelay } from '../../../time/back-off.js';
import { isApiError } from './api-error.js';

const PAUSES = { firstMs: 20, longestMs: 500 };
// Enough for about ten writers of one object; the pauses add up to about 5 s at most.
const MAX_ATTEMPTS = 15;

/**
 * Runs an operation that reads an object and writes it with its resourceVersion, and repeats it on a write conflict or an
 * error that `isRetried` accepts. Rejects with the last error after 15 attempts.
 */
export async function retryOnConflict<T>(
  operation: () => Promise<T>,
  isRetried: (error: unknown) => boolean = () => false,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation();
    } catch (error) {
      const isTransient = isApiError(error, 'conflict', 'already_exists') || isRetried(error);
      if (!isTransient || attempt === MAX_ATTEMPTS) throw error;
      await sleep(backOffDelay(PAUSES, attempt));
    }
  }
}

/**
 * Runs an idempotent operation, and repeats it while it fails with `unavailable`, until `deadline` in the unit of
 * `performance.now()`. Rejects with the last failure.
 */
export async function retryUntil<T>(deadline: number, operation: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation();
    } catch (error) {
      if (!isApiError(error, 'unavailable')) throw error;
      const wait = Math.max(backOffDelay(PAUSES, attempt), (error.retryAfter ?? 0) * 1_000);
      if (performance.now() + wait >= deadline) throw error;
      await sleep(wait);
    }
  }
}
