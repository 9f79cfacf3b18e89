import type { Right } from './access-review.js';
import type { ProxiedRequest } from './api-proxy.js';

/** A right that a request takes, and the namespace that it is taken in; undefined for all. */
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

/** What a request has to be allowed, as RBAC judges it; Secrets that are got are told by their names. */
export function usedRight({ method, path }: ProxiedRequest): UsedRight {
  const url = new URL(path, 'http://127.0.0.1');
  const [, group = '', namespace, resource = '', name, part] =
    /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      url.pathname,
    ) ?? [];
  const isWatch = url.searchParams.get('watch') === 'true';
  const verb = VERBS[method] ?? (name !== undefined ? 'get' : isWatch ? 'watch' : 'list');
  const whole = [resource, ...(part === undefined ? [] : [part])].join('/');
  const what = group === '' ? whole : `${whole}.${group}`;
  const named = what === 'secrets' && verb === 'get' ? ` ${name}` : '';
  return { right: `${verb} ${what}${named}`, namespace };
}
