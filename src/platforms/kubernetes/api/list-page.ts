import { isApiError, isTimeout } from './api-error.js';
import { descriptionOf, pathOf } from './api-path.js';
import type { ApiRequest } from './api-transport.js';
import type { Resource, ResourceKind, Stored } from './resource.js';

/** Selects resources of a kind, in one namespace or in all. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/**
 * A page of a list. `next` is passed as `after` for the following page, and undefined on the last page; `limit` is the size with
 * which the page was requested, smaller than the usual one if resources are large.
 */
export interface ResourcePage<T extends Resource> {
  readonly items: readonly Stored<T>[];
  /** The version from which a watch continues this list. */
  readonly resourceVersion: string;
  readonly next: string | undefined;
  readonly limit?: number;
}

const PAGE_SIZE = 500;
// The size of a page that was too large is divided by this; after each page that fits it is doubled, up to PAGE_SIZE.
const SHRINK_FACTOR = 8;
// A page that did not arrive in time is requested once more, with so few resources that it fits even if all are large: the server
// reads all of a page before it sends the first byte, so a large page may never arrive in time.
const FEW = 8;
// A list that expires more often is not read to its end in a useful time.
const MAX_RESTARTS = 3;

/** One page of a list; fewer than `limit` items if they are large. Rejects with the errors of `send`. */
export async function listPage<T extends Resource>(
  send: (request: Omit<ApiRequest, 'signal'>) => Promise<unknown>,
  kind: ResourceKind,
  { namespace, labelSelector, fieldSelector }: Selection,
  page: { readonly limit?: number | undefined; readonly after?: string | undefined },
): Promise<ResourcePage<T>> {
  for (let limit = page.limit ?? PAGE_SIZE; ; ) {
    const query = { labelSelector, fieldSelector, limit, continue: page.after };
    try {
      const response = await send({
        method: 'GET',
        path: pathOf(kind, { namespace }, query),
        description: descriptionOf('list', kind, { namespace }),
      });
      return { ...pageOfResponse<T>(response), limit };
    } catch (error) {
      if (isApiError(error, 'too_large') && limit > 1) limit = Math.ceil(limit / SHRINK_FACTOR);
      else if (isTimeout(error) && limit > FEW) limit = FEW;
      else throw error;
    }
  }
}

/**
 * The results of `read` for all resources of a list, without undefined ones; starts again up to three times if the list expires
 * meanwhile, so `read` may be called several times for a resource. Only these results are retained, so that a list of a million
 * large resources fits into the memory. Rejects with the errors of `client`, or with the reason of the aborted signal.
 */
export async function readListing<T extends Resource, V>(
  client: {
    list(
      kind: ResourceKind,
      selection: Selection,
      page: { readonly limit?: number | undefined; readonly after?: string | undefined },
    ): Promise<ResourcePage<T>>;
  },
  { kind, ...selection }: Selection & { readonly kind: ResourceKind },
  read: (resource: Stored<T>) => V | undefined,
  signal?: AbortSignal,
): Promise<{ readonly items: V[]; readonly resourceVersion: string }> {
  const items: V[] = [];
  let after: string | undefined;
  // A page that is too large has already cost its transfer. So the next one begins with the size that fitted, and grows again:
  // otherwise a few large resources would cost a request for each small one after them.
  let limit: number | undefined;
  for (let restarts = 0; ; ) {
    signal?.throwIfAborted();
    try {
      const page = await client.list(kind, selection, { limit, after });
      limit = Math.min(2 * (page.limit ?? PAGE_SIZE), PAGE_SIZE);
      for (const resource of page.items) {
        const item = read(resource);
        if (item !== undefined) items.push(item);
      }
      if (page.next === undefined) return { items, resourceVersion: page.resourceVersion };
      after = page.next;
    } catch (error) {
      if (after === undefined || !isApiError(error, 'gone') || restarts === MAX_RESTARTS) throw error;
      restarts += 1;
      items.length = 0;
      after = undefined;
    }
  }
}

function pageOfResponse<T extends Resource>(response: unknown): ResourcePage<T> {
  const { items, metadata } = response as {
    readonly items: readonly Stored<T>[] | null;
    readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  };
  const { resourceVersion, continue: next } = metadata;
  return { items: items ?? [], resourceVersion, next: next === '' ? undefined : next };
}
