import { useEffect, useState } from 'preact/hooks';
import type { Resource } from './resource.js';

/** A page of a list, newest first. `list` identifies the list and its filter. */
interface ListPage<T> {
  readonly list: string;
  readonly items: readonly T[];
  readonly next?: string;
}

/** A page that does not change by itself. */
interface StillPage<P> {
  readonly resource: Resource<P>;
  /** The number of items that are newer than the page. */
  readonly newer: number;
  /** True if there may be more newer items, on later pages. */
  readonly isAtLeast: boolean;
  showNewer(): void;
}

/** A page that stays as it was first read until the user asks for the newer items. A page without items is replaced at once. */
export function useStillPage<T, P extends ListPage<T>>(
  resource: Resource<P>,
  keyOf: (item: T) => string,
): StillPage<P> {
  const { data, isLoading } = resource;
  const [held, hold] = useState<P>();
  const isHeld = held !== undefined && held.list === data?.list && held.items.length > 0;
  useEffect(() => {
    // The data of an earlier visit are shown while the first read runs, and then replaced.
    if (!isHeld && !isLoading) hold(data);
  });
  if (!isHeld) return { resource, newer: 0, isAtLeast: false, showNewer: () => {} };
  const heldKeys = new Set(held.items.map(keyOf));
  const items = data?.items ?? [];
  const newest = items.findIndex((item) => heldKeys.has(keyOf(item)));
  const isAtLeast = newest === -1 && data?.next !== undefined;
  return {
    resource: { ...resource, data: held },
    newer: newest === -1 ? items.length : newest,
    isAtLeast,
    showNewer: () => hold(data),
  };
}
