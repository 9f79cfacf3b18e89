import { linkAbort, withinTime } from '../../../time/abort.js';
import { Semaphore } from '../../../time/semaphore.js';
import { isApiError } from './api-error.js';
import { type ApiQuery, descriptionOf, pathOf } from './api-path.js';
import { type ApiRequest, type ApiTransport, httpTransport } from './api-transport.js';
import { type ClusterOptions, openClusterAccess } from './cluster-access.js';
import { listPage, type ResourcePage, readListing, type Selection } from './list-page.js';
import { OBJECT_LIMIT, TooLargeObjects } from './object-limit.js';
import type { Resource, ResourceKey, ResourceKind, Stored } from './resource.js';
import { type WatchEvent, watchEvents } from './watch-stream.js';

/**
 * The API of one cluster. Every method rejects with ApiError, or with ClusterConfigError if the credentials cannot be read.
 * A read returns everything that any client wrote before the read began.
 */
export type KubernetesClient = ReturnType<typeof kubernetesClient>;

interface WatchSelection extends Selection {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

const RESPONSE_TIMEOUT_MS = 10_000;
// A page of large resources needs up to four times its size in memory.
const PAGES_AT_ONCE = 2;
// If the server has not ended a watch by this time after its time-out, the connection counts as dead.
const WATCH_MARGIN_MS = 5_000;
const MERGE_PATCH = 'application/merge-patch+json';
// Any JSON is YAML.
const APPLY_PATCH = 'application/apply-patch+yaml';

/** Opens a client of a cluster; sends no request yet. Rejects with ClusterConfigError. */
export async function openKubernetesClient(
  options: ClusterOptions & { readonly responseTimeoutMs?: number | undefined },
): Promise<KubernetesClient> {
  return kubernetesClient(httpTransport(await openClusterAccess(options)), options.responseTimeoutMs);
}

/** A client that sends its requests with `transport`. */
export function kubernetesClient(transport: ApiTransport, responseTimeoutMs = RESPONSE_TIMEOUT_MS) {
  const closing = new AbortController();
  const pages = new Semaphore(PAGES_AT_ONCE);
  const pagesByNamespace = new Map<string, Semaphore>();
  const tooLarge = new TooLargeObjects();

  /** Reads one page of a namespace at a time, so that the listings of a namespace do not delay those of others. */
  const readPage = async <T>(namespace: string | undefined, read: () => Promise<T>): Promise<T> => {
    if (namespace === undefined) return pages.run(read);
    const own = pagesByNamespace.get(namespace) ?? new Semaphore(1);
    pagesByNamespace.set(namespace, own);
    try {
      return await own.run(() => pages.run(read));
    } finally {
      // Its only place is free, so no listing of the namespace reads or waits.
      if (own.hasRoom(0)) pagesByNamespace.delete(namespace);
    }
  };

  const send = (request: Omit<ApiRequest, 'signal'>): Promise<unknown> =>
    withinTime(responseTimeoutMs, [closing.signal], (signal) => transport.exchange({ ...request, signal }));

  /** Sends a request to the path of a resource; POST, which creates one, goes to the collection path of its kind. */
  const request = async <T extends Resource>(
    method: ApiRequest['method'],
    verb: string,
    kind: ResourceKind,
    { namespace, name }: ResourceKey,
    {
      query,
      subresource,
      ...content
    }: Pick<ApiRequest, 'body' | 'contentType' | 'limit'> & {
      query?: ApiQuery;
      subresource?: 'status' | undefined;
    } = {},
  ): Promise<Stored<T>> => {
    const target = method === 'POST' ? { namespace } : { namespace, name };
    const path = pathOf(kind, target, query, subresource);
    const description = descriptionOf(verb, kind, { namespace, name });
    return (await send({ method, path, description, ...content })) as Stored<T>;
  };

  const get = <T extends Resource>(kind: ResourceKind, key: ResourceKey): Promise<Stored<T>> =>
    request<T>('GET', 'get', kind, key);

  /**
   * One page of a list, sorted by namespace and name; fewer than `limit` items if they are large. Rejects with `gone` if the
   * list has expired.
   */
  const list = <T extends Resource>(
    kind: ResourceKind,
    selection: Selection = {},
    page: { readonly limit?: number | undefined; readonly after?: string | undefined } = {},
  ): Promise<ResourcePage<T>> =>
    readPage(selection.namespace, () => listPage<T>(send, kind, selection, page));

  return {
    /** Namespace of the kubeconfig's context, or of the pod in which this process runs. */
    namespace: transport.namespace,

    /** The kinds that the cluster serves in a version of an API group; empty if it does not serve that version. */
    async kindsOf({ group, version }: Pick<ResourceKind, 'group' | 'version'>): Promise<readonly string[]> {
      const path = `/apis/${group}/${version}`;
      try {
        const found = (await send({ method: 'GET', path, description: `get ${path}` })) as {
          readonly resources: readonly { readonly kind: string }[];
        };
        return found.resources.map(({ kind }) => kind);
      } catch (error) {
        if (isApiError(error, 'not_found', 'no_such_kind')) return [];
        throw error;
      }
    },

    get,

    /**
     * Like `get`, but undefined if the resource does not exist. With `isLimited`, for a resource that a tenant writes and the
     * requests of clients cause to be read: rejects with `too_large` if it exceeds {@link OBJECT_LIMIT}, and for the next 30
     * seconds without reading it again.
     */
    async find<T extends Resource>(
      kind: ResourceKind,
      key: ResourceKey,
      { isLimited = false }: { readonly isLimited?: boolean } = {},
    ): Promise<Stored<T> | undefined> {
      const readLimited = () => request<T>('GET', 'get', kind, key, { limit: OBJECT_LIMIT });
      try {
        return await (isLimited ? tooLarge.read(pathOf(kind, key), readLimited) : get<T>(kind, key));
      } catch (error) {
        if (isApiError(error, 'not_found')) return undefined;
        throw error;
      }
    },

    list,

    /** All pages of a list; starts again if the list expires meanwhile. */
    listAll: <T extends Resource>(
      kind: ResourceKind,
      selection: Selection = {},
    ): Promise<Omit<ResourcePage<T>, 'next'>> =>
      readListing<T, Stored<T>>({ list }, { kind, ...selection }, (resource) => resource),

    create: <T extends Resource>(
      kind: ResourceKind,
      resource: T,
      options: { readonly dryRun?: boolean } = {},
    ): Promise<Stored<T>> =>
      request<T>('POST', 'create', kind, resource.metadata, { query: dryRunOf(options), body: resource }),

    /** Replaces a resource. Rejects with `conflict` if its resourceVersion has changed. */
    replace: <T extends Resource>(kind: ResourceKind, resource: T): Promise<Stored<T>> =>
      request<T>('PUT', 'replace', kind, resource.metadata, { body: resource }),

    /** Applies a merge patch (RFC 7396) to a resource, or to its status. */
    patch: <T extends Resource>(
      kind: ResourceKind,
      key: ResourceKey,
      body: object,
      { subresource }: { readonly subresource?: 'status' } = {},
    ): Promise<Stored<T>> =>
      request<T>('PATCH', 'patch', kind, key, { subresource, body, contentType: MERGE_PATCH }),

    /**
     * Server-side apply: creates the resource, or sets the passed fields. Rejects with `conflict` if another manager
     * owns a field, unless `force` is set.
     */
    apply: <T extends Resource>(
      kind: ResourceKind,
      resource: T,
      options: { readonly fieldManager: string; readonly force?: boolean; readonly dryRun?: boolean },
    ): Promise<Stored<T>> => {
      const { fieldManager, force = false } = options;
      const query = { fieldManager, force, ...dryRunOf(options) };
      return request<T>('PATCH', 'apply', kind, resource.metadata, {
        query,
        body: resource,
        contentType: APPLY_PATCH,
      });
    },

    /**
     * Deletes a resource if the preconditions hold; false if it does not exist. Rejects with `conflict` if they do not hold.
     */
    async delete(
      kind: ResourceKind,
      key: ResourceKey,
      preconditions?: { readonly uid?: string; readonly resourceVersion?: string },
    ): Promise<boolean> {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) };
      try {
        await request('DELETE', 'delete', kind, key, { body });
        return true;
      } catch (error) {
        if (isApiError(error, 'not_found')) return false;
        throw error;
      }
    },

    /**
     * Yields the changes since `resourceVersion` until the server ends the watch after `timeoutSeconds`. Throws `gone` if that
     * version is too old, `unavailable` if the stream breaks, if the server does not end the watch, or if `signal` is aborted.
     */
    async *watch<T extends Resource>(
      kind: ResourceKind,
      { namespace, ...selection }: WatchSelection,
      signal: AbortSignal,
    ): AsyncGenerator<WatchEvent<T>, void, undefined> {
      const query: ApiQuery = { watch: true, allowWatchBookmarks: true, ...selection };
      const description = descriptionOf('watch', kind, { namespace });
      const { controller, unlink } = linkAbort([signal, closing.signal]);
      const abort = () => controller.abort();
      const responseTimer = setTimeout(abort, responseTimeoutMs);
      const endTimer = setTimeout(abort, selection.timeoutSeconds * 1_000 + WATCH_MARGIN_MS);
      try {
        const path = pathOf(kind, { namespace }, query);
        const response = await transport
          .openStream({ method: 'GET', path, description, signal: controller.signal })
          .finally(() => clearTimeout(responseTimer));
        yield* watchEvents<T>(response, description);
      } finally {
        clearTimeout(endTimer);
        unlink();
      }
    },

    /** Closes all connections; pending requests reject. */
    close(): void {
      closing.abort();
      transport.close();
    },
  };
}

function dryRunOf({ dryRun = false }: { readonly dryRun?: boolean }): ApiQuery {
  return { dryRun: dryRun ? 'All' : undefined };
}
