import { RedemptionError, storeUnavailable } from '../../../domain/redemption-error.js';
import { ApiError } from '../api/api-error.js';
import { ClusterConfigError } from '../api/cluster-access.js';
import { TOO_LARGE_S } from '../api/object-limit.js';

/** Translates an error of the API client into the error that leaves the store; returns any other error unchanged. */
export function translateApiError(error: unknown): unknown {
  if (error instanceof ClusterConfigError) return storeUnavailable(error.message, error);
  if (!(error instanceof ApiError)) return error;
  switch (error.reason) {
    case 'no_such_kind':
      return storeUnavailable('the CRDs of linkgrant or Skupper are not installed in the cluster', error);
    case 'forbidden':
    case 'unauthorized':
      return storeUnavailable('the API server forbids an operation of the store', error);
    case 'too_large':
      return new RedemptionError('overloaded', 'an object in the cluster is too large', {
        retryAfter: TOO_LARGE_S,
        cause: error,
      });
    default:
      return storeUnavailable('the cluster cannot be read or written', error);
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
        throw translateApiError(error);
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
