import { useEffect, useState } from 'preact/hooks';
import type { Resource } from './resource.js';

/** A page of a list, newest first. `list` identifies the list and its filter. */
interface ListPage<T> {
  readonly list: string;
  readonly items: readonly T[];
}

/**
 * A page that stays as it was first read until the user asks for the newer items. `newer` is the number of these. A page without
 * items is replaced at once.
 */
export function useStillPage<T, P extends ListPage<T>>(
  resource: Resource<P>,
  keyOf: (item: T) => string,
): { readonly resource: Resource<P>; readonly newer: number; showNewer(): void } {
  const { data, isLoading } = resource;
  const [held, hold] = useState<P>();
  const isHeld = held !== undefined && held.list === data?.list && held.items.length > 0;
  useEffect(() => {
    // The data of an earlier visit are shown while the first read runs, and then replaced.
    if (!isHeld && !isLoading) hold(data);
  });
  if (!isHeld) return { resource, newer: 0, showNewer: () => {} };
  const heldKeys = new Set(held.items.map(keyOf));
  const newest = data?.items.findIndex((item) => heldKeys.has(keyOf(item))) ?? 0;
  return {
    resource: { ...resource, data: held },
    newer: newest === -1 ? (data?.items.length ?? 0) : newest,
    showNewer: () => hold(data),
  };
}
