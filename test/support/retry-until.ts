import { setTimeout as sleep } from 'node:timers/promises';

/** Calls `read` until it returns neither undefined nor false, and returns that. Retries errors. Throws after `timeoutMs`. */
export async function retryUntil<T>(
  what: string,
  read: () => Promise<T | undefined | false>,
  timeoutMs = 150_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let last: unknown; ; ) {
    try {
      const found = await read();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`, { cause: last });
    await sleep(50);
  }
}
