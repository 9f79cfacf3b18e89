import { setTimeout as sleep } from 'node:timers/promises';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { ApiError, isApiError } from '../api/api-error.js';
import { ClusterConfigError } from '../api/cluster-access.js';

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** The error for a caller when the store cannot answer. */
export function storeUnavailable(message: string, cause?: unknown): RedemptionError {
  return new RedemptionError('store_unavailable', message, { cause });
}

/** Translates an error of the API client into the error that leaves the store; returns any other error unchanged. */
export function translateFailure(error: unknown): unknown {
  if (error instanceof ClusterConfigError) return storeUnavailable(error.message, error);
  if (!(error instanceof ApiError)) return error;
  switch (error.reason) {
    case 'no_such_kind':
      return storeUnavailable('the CRDs of linkgrant or Skupper are not installed in the cluster', error);
    case 'forbidden':
    case 'unauthorized':
      return storeUnavailable('the API server forbids an operation of the store', error);
    default:
      return storeUnavailable('the cluster cannot be read or written', error);
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

type Operation = (...values: readonly never[]) => Promise<unknown>;

/**
 * The same operations, but they reject with RedemptionError `store_unavailable` when the cluster cannot answer. The added
 * `close` waits for running operations; later ones are refused.
 */
export function withStoreErrors<T extends { readonly [K in keyof T]: Operation }>(
  operations: T,
): T & { close(): Promise<void> } {
  const running = new Set<Promise<unknown>>();
  let isClosed = false;
  const translated =
    (operation: Operation): Operation =>
    async (...values) => {
      if (isClosed) throw storeUnavailable('the store is closed');
      const result = operation(...values);
      running.add(result);
      try {
        return await result;
      } catch (error) {
        throw translateFailure(error);
      } finally {
        running.delete(result);
      }
    };
  const entries = Object.entries<Operation>(operations).map(
    ([name, operation]) => [name, translated(operation)] as const,
  );
  return {
    ...(Object.fromEntries(entries) as unknown as T),
    async close() {
      isClosed = true;
      await Promise.allSettled(running);
    },
  };
}
