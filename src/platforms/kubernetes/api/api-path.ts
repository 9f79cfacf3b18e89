import { apiVersionOf, type ResourceKey, type ResourceKind } from './resource.js';

/** Query parameters of a request; those that are undefined are left out. */
export type ApiQuery = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path and query of one resource, of all resources of a kind if `key` has no name, or of a subresource (`status`). */
export function pathOf(
  kind: ResourceKind,
  key: Partial<ResourceKey>,
  query: ApiQuery = {},
  subresource?: string,
): string {
  const parts = [
    kind.group === '' ? 'api' : 'apis',
    apiVersionOf(kind),
    ...(kind.namespaced && key.namespace !== undefined ? ['namespaces', segment(key.namespace)] : []),
    kind.plural,
    ...(key.name === undefined ? [] : [segment(key.name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return `/${parts.join('/')}${search.size === 0 ? '' : `?${search}`}`;
}

/** The description of a request for errors and logs: `create redemptions west/x`. */
export function descriptionOf(verb: string, kind: ResourceKind, key: Partial<ResourceKey>): string {
  const where = [key.namespace, key.name].filter((part) => part !== undefined).join('/');
  return `${verb} ${kind.plural}${where === '' ? '' : ` ${where}`}`;
}

// An empty segment, `.` or `..` would result in the path of another resource.
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') throw new RangeError('not a valid resource name');
  return encodeURIComponent(text);
}
