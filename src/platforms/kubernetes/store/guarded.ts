import { storeUnavailable, translateFailure } from './store-failure.js';

type Operation = (...values: readonly never[]) => Promise<unknown>;

/**
 * The same operations, which reject with RedemptionError `store_unavailable` when the cluster cannot answer, and a `close`
 * that waits for what is under way: from then on everything is refused.
 */
export function guarded<T extends { readonly [K in keyof T]: Operation }>(
  operations: T,
): T & { close(): Promise<void> } {
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  const guard =
    (operation: Operation): Operation =>
    async (...values) => {
      if (isClosed) throw storeUnavailable('the store is closed');
      const running = operation(...values);
      underWay.add(running);
      try {
        return await running;
      } catch (error) {
        throw translateFailure(error);
      } finally {
        underWay.delete(running);
      }
    };
  const guardedOperations = Object.entries<Operation>(operations).map(
    ([name, operation]) => [name, guard(operation)] as const,
  );
  return {
    ...(Object.fromEntries(guardedOperations) as unknown as T),
    async close() {
      isClosed = true;
      await Promise.allSettled(underWay);
    },
  };
}
