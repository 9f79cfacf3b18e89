import type { Right } from './access-review.js';
import type { ProxiedRequest } from './api-proxy.js';

/** A right that a request needs, and its namespace; undefined for all namespaces. */
export interface UsedRight {
  readonly right: Right;
  readonly namespace: string | undefined;
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The right that a request needs under RBAC. For `get secrets` it includes the name of the Secret. */
export function usedRight({ method, path }: ProxiedRequest): UsedRight {
  const url = new URL(path, 'http://127.0.0.1');
  const [, group = '', namespace, resource = '', name, part] =
    /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      url.pathname,
    ) ?? [];
  const isWatch = url.searchParams.get('watch') === 'true';
  const verb = VERBS[method] ?? (name !== undefined ? 'get' : isWatch ? 'watch' : 'list');
  const resourcePath = part === undefined ? resource : `${resource}/${part}`;
  const object = group === '' ? resourcePath : `${resourcePath}.${group}`;
  const suffix = object === 'secrets' && verb === 'get' ? ` ${name}` : '';
  return { right: `${verb} ${object}${suffix}`, namespace };
}
