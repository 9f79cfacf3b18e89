import { parseLabelSelector, selectsLabels } from '../../src/domain/label-selector.js';
import type { ApiRequest } from '../../src/platforms/kubernetes/api/api-transport.js';
import type { Resource, Stored } from '../../src/platforms/kubernetes/api/resource.js';
import { timestamp } from '../../src/platforms/kubernetes/api/timestamp.js';
import { isSame, mergePatch } from './json-values.js';

/** A request as the server receives it. */
export type ServerRequest = Pick<ApiRequest, 'method' | 'path' | 'body' | 'contentType'>;

/** The response to a request. */
export interface ServerResponse {
  readonly status: number;
  readonly body: unknown;
}

/** An object that was written; its `type` is that of a watch event. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly object: Stored<Resource>;
  readonly before: Stored<Resource> | undefined;
  readonly version: number;
}

/** A watch that a client has opened. */
export interface WatchedCollection {
  /** The changes after the version from which the client watches, or the response that refuses the watch. */
  readonly past: readonly Change[] | ServerResponse;
  readonly timeoutMs: number;
  selects(change: Change): boolean;
}

export interface SimulatedApiServerOptions {
  readonly namespaces: readonly string[];
  readonly clock: () => number;
  readonly newUid: () => string;
  /** The most items of a page, fewer than a client requests. */
  readonly pageSize?: () => number;
}

interface Target {
  /** Path of the API group. */
  readonly group: string;
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

const PATH =
  /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/(status))?$/;
const DEFAULT_PAGE_SIZE = 500;

/**
 * The API server of Kubernetes, as far as the store and the controller of grants use it: objects with resource versions, pages of a
 * list from one snapshot, merge patches, preconditions, and the history for watches. It validates no schema and checks no rights.
 */
export class SimulatedApiServer {
  readonly #options: SimulatedApiServerOptions;
  /** By path. */
  readonly #objects = new Map<string, Stored<Resource>>();
  /** The rest of each list of which a client has read a part, by `continue` token. */
  readonly #snapshots = new Map<string, { readonly items: Stored<Resource>[]; readonly version: number }>();
  readonly #watchers = new Set<(change: Change) => void>();
  #history: Change[] = [];
  /** The versions before this one are no longer in the history. */
  #compactedAt = 0;
  #version = 1;
  #tokens = 0;

  constructor(options: SimulatedApiServerOptions) {
    this.#options = options;
  }

  /** All objects of a resource, by its plural. */
  all<T extends Resource>(resource: string): Stored<T>[] {
    return [...this.#objects].flatMap(([path, object]) =>
      path.includes(`/${resource}/`) ? [object as Stored<T>] : [],
    );
  }

  /** Calls `watcher` after each write, until the returned function is called. */
  follow(watcher: (change: Change) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Forgets the past versions, so that lists cannot be continued and old watches are `gone`, as after a compaction or restart. */
  compact(): void {
    this.#history = [];
    this.#compactedAt = this.#version;
    this.#snapshots.clear();
  }

  handle(request: ServerRequest): ServerResponse {
    const target = targetOf(request.path);
    if (!target) return { status: 404, body: '404 page not found' };
    if (target.resource === 'selfsubjectreviews') return { status: 201, body: request.body };
    switch (request.method) {
      case 'GET':
        return target.name === undefined ? this.#list(target) : this.#get(target);
      case 'POST':
        return this.#create(target, request.body as Resource);
      case 'PUT':
        return this.#update(target, () => request.body as Resource);
      case 'PATCH':
        return request.contentType?.includes('apply')
          ? this.#apply(target, request.body as Resource)
          : this.#update(target, (stored) => mergePatch(stored, request.body) as Resource, request.body);
      case 'DELETE':
        return this.#delete(target, request.body);
    }
  }

  /** Opens a watch; the caller passes on the past changes, then those that {@link follow} reports. */
  watch(path: string): WatchedCollection {
    const target = targetOf(path) as Target;
    const selects = (change: Change) => isIn(target, change.path) && isSelected(target, change.object);
    const since = Number(target.query.get('resourceVersion'));
    const past =
      since < this.#compactedAt
        ? failure(410, 'Expired', 'too old resource version')
        : this.#history.filter((change) => change.version > since && selects(change));
    return { past, selects, timeoutMs: 1_000 * Number(target.query.get('timeoutSeconds') ?? 3_600) };
  }

  get version(): number {
    return this.#version;
  }

  #get(target: Target): ServerResponse {
    const found = this.#objects.get(pathIn(target));
    return found ? { status: 200, body: found } : notFound(target);
  }

  #list(target: Target): ServerResponse {
    const token = target.query.get('continue');
    const snapshot = token === null ? this.#snapshot(target) : this.#snapshots.get(token);
    if (!snapshot) return failure(410, 'Expired', 'the continue token is too old');
    const limit = Number(target.query.get('limit') ?? DEFAULT_PAGE_SIZE);
    const size = Math.min(limit, this.#options.pageSize?.() ?? limit);
    const rest = snapshot.items.slice(size);
    this.#tokens += 1;
    const next = String(this.#tokens);
    if (rest.length > 0) this.#snapshots.set(next, { ...snapshot, items: rest });
    const metadata = {
      resourceVersion: String(snapshot.version),
      ...(rest.length > 0 && { continue: next }),
    };
    return { status: 200, body: { items: snapshot.items.slice(0, size), metadata } };
  }

  #snapshot(target: Target) {
    const paths = [...this.#objects.keys()].filter((path) => isIn(target, path)).sort();
    const items = paths.map((path) => this.#objects.get(path) as Stored<Resource>);
    return { items: items.filter((object) => isSelected(target, object)), version: this.#version };
  }

  #create(target: Target, body: Resource): ServerResponse {
    const { name } = body.metadata;
    const path = pathIn({ ...target, name });
    if (!this.#options.namespaces.includes(target.namespace ?? '')) return notFound(target);
    if (this.#objects.has(path)) return failure(409, 'AlreadyExists', `${name} already exists`);
    const now = this.#options.clock();
    const metadata = {
      ...body.metadata,
      namespace: target.namespace ?? '',
      uid: this.#options.newUid(),
      creationTimestamp: timestamp(Math.floor(now / 1_000) * 1_000),
      generation: 1,
    };
    const { status: _, ...created } = hasStatusResource(target) ? body : { ...body, status: undefined };
    if (target.query.get('dryRun') === 'All') return { status: 201, body: { ...created, metadata } };
    return { status: 201, body: this.#store('ADDED', path, { ...created, metadata }) };
  }

  #update(
    target: Target,
    change: (stored: Stored<Resource>) => Resource,
    patch: unknown = {},
  ): ServerResponse {
    const path = pathIn(target);
    const stored = this.#objects.get(path);
    if (!stored) return notFound(target);
    const changed = change(stored);
    const wanted = (patch as Partial<Resource>).metadata ?? changed.metadata;
    for (const key of ['uid', 'resourceVersion'] as const)
      if (wanted[key] !== undefined && wanted[key] !== stored.metadata[key])
        return failure(409, 'Conflict', 'the object has been modified');
    const { uid, creationTimestamp, generation = 1 } = stored.metadata;
    const isNewSpec = !isSame(changed.spec, stored.spec);
    const fixed = { uid, creationTimestamp, generation: isNewSpec ? generation + 1 : generation };
    let next: Resource = { ...changed, metadata: { ...changed.metadata, ...fixed } };
    if (target.subresource === 'status') next = { ...stored, status: changed.status };
    else if (hasStatusResource(target)) next = { ...next, status: stored.status };
    return { status: 200, body: this.#store('MODIFIED', path, next) };
  }

  /** Server-side apply; only a dry run, as the probe of the store does it. */
  #apply(target: Target, body: Resource): ServerResponse {
    if (target.query.get('dryRun') !== 'All') return failure(501, 'NotImplemented', 'apply');
    return { status: 200, body };
  }

  #delete(target: Target, body: unknown): ServerResponse {
    const path = pathIn(target);
    const stored = this.#objects.get(path);
    if (!stored) return notFound(target);
    const { preconditions = {} } = (body ?? {}) as {
      preconditions?: Record<'uid' | 'resourceVersion', string>;
    };
    for (const [key, value] of Object.entries(preconditions))
      if (stored.metadata[key as 'uid'] !== value) return failure(409, 'Conflict', 'a precondition failed');
    this.#store('DELETED', path, stored);
    return { status: 200, body: { kind: 'Status', status: 'Success' } };
  }

  /** Stores a copy with a new version; a change that changes nothing has none, as in Kubernetes. */
  #store(type: Change['type'], path: string, resource: Resource): Stored<Resource> {
    const before = this.#objects.get(path);
    const copy = JSON.parse(JSON.stringify(resource)) as Stored<Resource>;
    const withVersion = (resourceVersion: string) => ({
      ...copy,
      metadata: { ...copy.metadata, resourceVersion },
    });
    if (type === 'MODIFIED' && before && isSame(before, withVersion(before.metadata.resourceVersion)))
      return before;
    this.#version += 1;
    const object = withVersion(String(this.#version));
    if (type === 'DELETED') this.#objects.delete(path);
    else this.#objects.set(path, object);
    const change = { type, path, object, before, version: this.#version };
    this.#history.push(change);
    for (const watcher of [...this.#watchers]) watcher(change);
    return object;
  }
}

function targetOf(path: string): Target | undefined {
  const [pathname = '', search] = path.split('?');
  const [, api, namespace, resource = '', name, subresource] = PATH.exec(decodeURIComponent(pathname)) ?? [];
  if (api === undefined) return undefined;
  const query = new URLSearchParams(search);
  return { group: api, namespace, resource, name, subresource, query };
}

function pathIn({ group, namespace, resource, name }: Target): string {
  return `${group}/namespaces/${namespace}/${resource}/${name}`;
}

function isIn({ group, namespace, resource }: Target, path: string): boolean {
  return namespace === undefined
    ? path.startsWith(`${group}/namespaces/`) && path.includes(`/${resource}/`)
    : path.startsWith(`${group}/namespaces/${namespace}/${resource}/`);
}

function isSelected({ query }: Target, { metadata }: Stored<Resource>): boolean {
  const field = query.get('fieldSelector');
  if (field !== null && field !== `metadata.name=${metadata.name}`) return false;
  const labels = metadata.labels ?? {};
  const text = query.get('labelSelector');
  if (text === null) return true;
  const [, key = '', values] = /^(\S+) in \((.*)\)$/.exec(text) ?? [];
  if (values !== undefined) return values.split(',').includes(labels[key] ?? '');
  return selectsLabels(parseLabelSelector(text) ?? [], labels);
}

// Both CRDs declare the subresource; writes of the object itself ignore its status.
function hasStatusResource({ resource }: Target): boolean {
  return resource === 'accessgrants' || resource === 'redemptions';
}

function notFound({ resource, name }: Target): ServerResponse {
  return failure(404, 'NotFound', `${resource} ${name} not found`);
}

function failure(code: number, reason: string, message: string): ServerResponse {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code },
  };
}
