import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiErrorReason, isApiError } from './api-error.js';

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;
// Enough for some ten writers of one object; with the pauses it takes about 5 s.
const MAX_CONFLICTS = 20;

/**
 * Runs an operation that reads an object and writes it with its resourceVersion, again while another writer is faster.
 * Rejects with the last conflict after 20 attempts. `otherReasons` are retried too.
 */
export async function retryOnConflict<T>(
  operation: () => Promise<T>,
  ...otherReasons: readonly ApiErrorReason[]
): Promise<T> {
  for (let attempt = 1, pause = FIRST_PAUSE_MS; ; attempt += 1, pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      return await operation();
    } catch (error) {
      const isConflict = isApiError(error, 'conflict', 'already_exists', ...otherReasons);
      if (!isConflict || attempt === MAX_CONFLICTS) throw error;
      await sleep(pause * Math.random());
    }
  }
}

/**
 * Runs an idempotent operation, and repeats it while the API server does not answer, until `deadline` in the unit of
 * `performance.now()`. Rejects with the last failure.
 */
export async function retryUntil<T>(deadline: number, operation: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      return await operation();
    } catch (error) {
      if (!isApiError(error, 'unavailable')) throw error;
      const wait = Math.max(pause * (0.5 + Math.random()), (error.retryAfter ?? 0) * 1_000);
      if (performance.now() + wait >= deadline) throw error;
      await sleep(wait);
    }
  }
}
