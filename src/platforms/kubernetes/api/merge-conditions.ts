import type { Condition } from './resource.js';
import { timestamp } from './timestamp.js';

/**
 * Merges the conditions `wanted` into `found`, by type. Other conditions stay unchanged. `lastTransitionTime` changes only with
 * `status`; `now` is in milliseconds since the epoch.
 */
export function mergeConditions(
  found: readonly Condition[],
  wanted: readonly Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[],
  { generation = 0, now }: { readonly generation?: number | undefined; readonly now: number },
): Condition[] {
  const all = new Map(found.map((condition) => [condition.type, condition]));
  for (const { type, status, reason, message } of wanted) {
    const before = all.get(type);
    const lastTransitionTime =
      before?.status === status ? before.lastTransitionTime : timestamp(Math.floor(now / 1_000) * 1_000);
    all.set(type, { type, status, reason, message, observedGeneration: generation, lastTransitionTime });
  }
  return [...all.values()];
}
