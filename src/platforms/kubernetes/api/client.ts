import { linkAbort, withinTime } from '../../../time/abort.js';
import { isApiError } from './api-error.js';
import { type ApiQuery, descriptionOf, pathOf } from './api-path.js';
import { type ApiRequest, exchangeJson, openResponse } from './api-transport.js';
import { type ClusterOptions, openClusterAccess } from './cluster-access.js';
import { listPage, type ResourcePage, readListing, type Selection } from './list-page.js';
import type { Resource, ResourceKey, ResourceKind, Stored } from './resource.js';
import { type WatchEvent, watchEvents } from './watch-stream.js';

/**
 * The API of one cluster. Every method rejects with ApiError, or with ClusterConfigError if the credentials cannot be read.
 * A read returns everything that any client wrote before the read began.
 */
export interface KubernetesClient {
  /** Namespace of the kubeconfig's context, or of the pod in which this process runs. */
  readonly namespace: string | undefined;
  /** The kinds that the cluster serves in a version of an API group; empty if it does not serve that version. */
  kindsOf(api: Pick<ResourceKind, 'group' | 'version'>): Promise<readonly string[]>;
  get<T extends Resource>(kind: ResourceKind, key: ResourceKey): Promise<Stored<T>>;
  /** Like `get`, but undefined if the resource does not exist. */
  find<T extends Resource>(kind: ResourceKind, key: ResourceKey): Promise<Stored<T> | undefined>;
  /**
   * One page of a list, sorted by namespace and name; fewer than `limit` items if they are large. Rejects with `gone` if the
   * list has expired.
   */
  list<T extends Resource>(
    kind: ResourceKind,
    selection?: Selection,
    page?: { readonly limit?: number; readonly after?: string | undefined },
  ): Promise<ResourcePage<T>>;
  /** All pages of a list; starts again if the list expires meanwhile. */
  listAll<T extends Resource>(
    kind: ResourceKind,
    selection?: Selection,
  ): Promise<Omit<ResourcePage<T>, 'next'>>;
  create<T extends Resource>(
    kind: ResourceKind,
    resource: T,
    options?: { readonly dryRun?: boolean },
  ): Promise<Stored<T>>;
  /** Replaces a resource. Rejects with `conflict` if its resourceVersion has changed. */
  replace<T extends Resource>(kind: ResourceKind, resource: T): Promise<Stored<T>>;
  /** Applies a merge patch (RFC 7396) to a resource, or to its status. */
  patch<T extends Resource>(
    kind: ResourceKind,
    key: ResourceKey,
    patch: object,
    options?: { readonly subresource?: 'status' },
  ): Promise<Stored<T>>;
  /**
   * Server-side apply: creates the resource, or sets the passed fields. Rejects with `conflict` if another manager
   * owns a field, unless `force` is set.
   */
  apply<T extends Resource>(
    kind: ResourceKind,
    resource: T,
    options: { readonly fieldManager: string; readonly force?: boolean; readonly dryRun?: boolean },
  ): Promise<Stored<T>>;
  /**
   * Deletes a resource if the preconditions hold; false if it does not exist. Rejects with `conflict` if they do not hold.
   */
  delete(
    kind: ResourceKind,
    key: ResourceKey,
    preconditions?: { readonly uid?: string; readonly resourceVersion?: string },
  ): Promise<boolean>;
  /**
   * Yields the changes since `resourceVersion` until the server ends the watch after `timeoutSeconds`. Throws `gone` if that
   * version is too old, `unavailable` if the stream breaks or `signal` is aborted.
   */
  watch<T extends Resource>(
    kind: ResourceKind,
    selection: WatchSelection,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, undefined>;
  /** Closes all connections; pending requests reject. */
  close(): void;
}

interface WatchSelection extends Selection {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

/** Time-out of a response, in milliseconds. */
const RESPONSE_TIMEOUT_MS = 10_000;
const MERGE_PATCH = 'application/merge-patch+json';
// Any JSON is YAML.
const APPLY_PATCH = 'application/apply-patch+yaml';

/** Opens a client of a cluster; sends no request yet. Rejects with ClusterConfigError. */
export async function openKubernetesClient(
  options: ClusterOptions & { readonly responseTimeoutMs?: number | undefined },
): Promise<KubernetesClient> {
  const { responseTimeoutMs = RESPONSE_TIMEOUT_MS } = options;
  const access = await openClusterAccess(options);
  const closing = new AbortController();

  const send = (request: Omit<ApiRequest, 'signal'>): Promise<unknown> =>
    withinTime(responseTimeoutMs, [closing.signal], (signal) => exchangeJson(access, { ...request, signal }));

  const client: KubernetesClient = {
    namespace: access.namespace,

    async kindsOf({ group, version }) {
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

    async get<T extends Resource>(kind: ResourceKind, key: ResourceKey) {
      const description = descriptionOf('get', kind, key);
      return (await send({ method: 'GET', path: pathOf(kind, key), description })) as Stored<T>;
    },

    async find<T extends Resource>(kind: ResourceKind, key: ResourceKey) {
      try {
        return await client.get<T>(kind, key);
      } catch (error) {
        if (isApiError(error, 'not_found')) return undefined;
        throw error;
      }
    },

    list: (kind, selection = {}, page = {}) => listPage(send, kind, selection, page),

    listAll: <T extends Resource>(kind: ResourceKind, selection: Selection = {}) =>
      readListing<T, Stored<T>>(client, { kind, ...selection }, (resource) => resource),

    async create<T extends Resource>(
      kind: ResourceKind,
      resource: T,
      options: { readonly dryRun?: boolean } = {},
    ) {
      const { namespace, name } = resource.metadata;
      return (await send({
        method: 'POST',
        path: pathOf(kind, { namespace }, dryRunOf(options)),
        body: resource,
        description: descriptionOf('create', kind, { namespace, name }),
      })) as Stored<T>;
    },

    async replace<T extends Resource>(kind: ResourceKind, resource: T) {
      const { metadata } = resource;
      return (await send({
        method: 'PUT',
        path: pathOf(kind, metadata),
        body: resource,
        description: descriptionOf('replace', kind, metadata),
      })) as Stored<T>;
    },

    async patch<T extends Resource>(
      kind: ResourceKind,
      key: ResourceKey,
      patch: object,
      { subresource }: { readonly subresource?: 'status' } = {},
    ) {
      return (await send({
        method: 'PATCH',
        path: pathOf(kind, key, {}, subresource),
        body: patch,
        contentType: MERGE_PATCH,
        description: descriptionOf('patch', kind, key),
      })) as Stored<T>;
    },

    async apply<T extends Resource>(
      kind: ResourceKind,
      resource: T,
      options: { readonly fieldManager: string; readonly force?: boolean; readonly dryRun?: boolean },
    ) {
      const { fieldManager, force = false } = options;
      return (await send({
        method: 'PATCH',
        path: pathOf(kind, resource.metadata, { fieldManager, force, ...dryRunOf(options) }),
        body: resource,
        contentType: APPLY_PATCH,
        description: descriptionOf('apply', kind, resource.metadata),
      })) as Stored<T>;
    },

    async delete(kind, key, preconditions) {
      try {
        await send({
          method: 'DELETE',
          path: pathOf(kind, key),
          body: { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) },
          description: descriptionOf('delete', kind, key),
        });
        return true;
      } catch (error) {
        if (isApiError(error, 'not_found')) return false;
        throw error;
      }
    },

    async *watch<T extends Resource>(
      kind: ResourceKind,
      { namespace, ...selection }: WatchSelection,
      signal: AbortSignal,
    ) {
      const query: ApiQuery = { watch: true, allowWatchBookmarks: true, ...selection };
      const description = descriptionOf('watch', kind, { namespace });
      const { controller, unlink } = linkAbort([signal, closing.signal]);
      const timer = setTimeout(() => controller.abort(), responseTimeoutMs);
      try {
        const response = await openResponse(access, {
          method: 'GET',
          path: pathOf(kind, { namespace }, query),
          description,
          signal: controller.signal,
        }).finally(() => clearTimeout(timer));
        // Without TCP keep-alive, a lost peer would be noticed only at the time when the watch should end.
        response.socket.setKeepAlive(true, 10_000);
        yield* watchEvents<T>(response, description);
      } finally {
        unlink();
      }
    },

    close() {
      closing.abort();
      access.close();
    },
  };
  return client;
}

function dryRunOf({ dryRun = false }: { readonly dryRun?: boolean }): ApiQuery {
  return { dryRun: dryRun ? 'All' : undefined };
}
