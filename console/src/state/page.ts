import type { Topic } from '../api/changes.js';
import { omitUndefined, type PageQuery, pageWithItems } from '../api/client.js';
import { replaceQuery, useLocation } from './location.js';
import { type Resource, useResource } from './resource.js';

const ITEMS = 50;

/** Reads the page of a list whose cursor is in `parameter` of the URL. `key` identifies the list; see {@link useResource}. */
export function usePage<P extends { readonly items: readonly unknown[]; readonly next?: string }>(
  key: string,
  read: (page: PageQuery, signal: AbortSignal) => Promise<P>,
  topics: readonly Topic[],
  parameter = 'cursor',
): { readonly resource: Resource<P>; readonly cursor: string | undefined } {
  const cursor = useLocation().query.get(parameter) || undefined;
  const resource = useResource(
    `${key} ${cursor}`,
    (signal) =>
      pageWithItems(cursor, (after) => read({ limit: ITEMS, ...omitUndefined({ cursor: after }) }, signal)),
    topics,
  );
  return { resource, cursor };
}

/** Changes filters of a list in the URL, and returns to its first page. */
export function setFilter(changes: Readonly<Record<string, string>>): void {
  replaceQuery({ ...changes, cursor: undefined });
}
