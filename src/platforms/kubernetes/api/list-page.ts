import { isApiError } from './api-error.js';
import { pathOf, wordsOf } from './api-path.js';
import type { ApiRequest } from './api-transport.js';
import type { Resource, ResourceKind, Stored } from './resource.js';

/** Which resources of a kind are meant: of one namespace, or of all. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** A page of a listing; `next` is passed as `after` for the following page, and absent on the last. */
export interface ResourcePage<T extends Resource> {
  readonly items: readonly Stored<T>[];
  /** Where a watch that continues this listing begins. */
  readonly resourceVersion: string;
  readonly next: string | undefined;
}

const PAGE = 500;
// By how much a page shrinks that was too large.
const SMALLER = 8;

/** A page of a listing, with fewer than `limit` where they are large. Rejects as `send` does. */
export async function listPage<T extends Resource>(
  send: (request: Omit<ApiRequest, 'signal'>) => Promise<unknown>,
  kind: ResourceKind,
  { namespace, labelSelector, fieldSelector }: Selection,
  page: { readonly limit?: number; readonly after?: string | undefined },
): Promise<ResourcePage<T>> {
  for (let limit = page.limit ?? PAGE; ; limit = Math.ceil(limit / SMALLER)) {
    const query = { labelSelector, fieldSelector, limit, continue: page.after };
    try {
      return pageOf<T>(
        await send({
          method: 'GET',
          path: pathOf(kind, { namespace }, query),
          words: wordsOf('list', kind, { namespace }),
        }),
      );
    } catch (error) {
      if (!isApiError(error, 'too_large') || limit === 1) throw error;
    }
  }
}

/**
 * Everything that a listing has, page after page, each resource as `read` sees it; begun anew if a page got too old. Of each
 * page only that is kept, so that a million large resources are no trouble. Rejects as `client` does, and with the signal's
 * reason once that is aborted.
 */
export async function readListing<T extends Resource, V>(
  client: {
    list(
      kind: ResourceKind,
      selection: Selection,
      page: { readonly after?: string | undefined },
    ): Promise<ResourcePage<T>>;
  },
  { kind, ...selection }: Selection & { readonly kind: ResourceKind },
  read: (resource: Stored<T>) => V,
  signal?: AbortSignal,
): Promise<{ readonly items: V[]; readonly resourceVersion: string }> {
  const items: V[] = [];
  let after: string | undefined;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const page = await client.list(kind, selection, { after });
      for (const resource of page.items) items.push(read(resource));
      if (page.next === undefined) return { items, resourceVersion: page.resourceVersion };
      after = page.next;
    } catch (error) {
      if (after === undefined || !isApiError(error, 'gone')) throw error;
      items.length = 0;
      after = undefined;
    }
  }
}

function pageOf<T extends Resource>(answer: unknown): ResourcePage<T> {
  const { items, metadata } = answer as {
    readonly items: readonly Stored<T>[] | null;
    readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  };
  const { resourceVersion, continue: next } = metadata;
  return { items: items ?? [], resourceVersion, next: next === '' ? undefined : next };
}
