import { vi } from 'vitest';

/** Resolves when `condition` holds; rejects after a minute. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(condition, { timeout: 60_000, interval: 50 });
}

/** Repeats an assertion for up to a minute until it holds: in a cluster a watch may lag behind a write. */
export const eventually = <T>(assertion: () => Promise<T>): Promise<T> =>
  vi.waitFor(assertion, { timeout: 60_000, interval: 20 });
