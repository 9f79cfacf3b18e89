import { setTimeout as sleep } from 'node:timers/promises';
import { RedemptionError } from '../../domain/redemption-error.js';
import { writeStderr } from '../terminal/write-out.js';

const MAX_ATTEMPTS = 4;
const DEFAULT_PAUSE_S = 10;
// A service that requests a longer pause does not recover soon; its operator has to act.
const MAX_PAUSE_S = 30;

/**
 * Runs a redemption. While the service is overloaded, runs it up to three times more, each time after the pause that the service
 * requests. Rejects with the last error.
 */
export async function repeatWhileOverloaded<T>(redeem: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await redeem();
    } catch (error) {
      const pauseS = pauseAfter(error);
      if (attempt === MAX_ATTEMPTS || pauseS > MAX_PAUSE_S) throw error;
      writeStderr(
        `warning: the service is overloaded; trying again in ${pauseS} s (attempt ${attempt + 1} of ${MAX_ATTEMPTS})\n`,
      );
      await sleep(pauseS * 1_000);
    }
  }
}

/** Returns the pause in seconds before the next attempt; Infinity if the service is not overloaded. */
function pauseAfter(error: unknown): number {
  if (!(error instanceof RedemptionError) || error.code !== 'overloaded') return Number.POSITIVE_INFINITY;
  return Math.max(1, error.retryAfter ?? DEFAULT_PAUSE_S);
}
