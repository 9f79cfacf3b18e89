import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError } from '../api/api-error.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/**
 * Runs what may be run again, again and again while the API server does not answer it, until `deadline` (as
 * `performance.now()` tells it). Rejects as it did last.
 */
export async function persistently<T>(deadline: number, act: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await act();
    } catch (error) {
      if (!isApiError(error, 'unavailable')) throw error;
      const wait = Math.max(pause * (0.5 + Math.random()), (error.retryAfter ?? 0) * 1_000);
      if (performance.now() + wait >= deadline) throw error;
      await sleep(wait);
    }
  }
}
