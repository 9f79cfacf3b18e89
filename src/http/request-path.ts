import { isNamespace, isResourceName, isUuid } from '../domain/names.js';
import type { GrantTarget } from '../redemption/accepting/prove-code.js';

/** Path parameters of a route, by name. */
export type PathParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

// Scheme and authority of a request target in absolute form, which a server must accept (RFC 9112 §3.2.2).
const ORIGIN = /^https?:\/\/[^/?]*/i;

/** Returns path and query of a request target (RFC 9112 §3.2); `*` if it names no path. */
export function originForm(target: string): string {
  const rest = target.replace(ORIGIN, '');
  // Clients never send a fragment, and Express cannot parse every target with one.
  if (rest.includes('#')) return '*';
  if (rest.startsWith('/')) return rest;
  return rest === target ? '*' : `/${rest}`;
}

/**
 * Returns the path that is compared with the routes: without the prefix, the query and empty segments. Returns `/`, which
 * matches no route, for a path outside the prefix or with a percent-escape.
 */
export function routePath(pathAndQuery: string, prefix: string): string {
  const path = pathAndQuery.split('?', 1)[0] as string;
  if (!path.startsWith('/') || path.includes('%')) return '/';
  const segments = segmentsOf(path);
  const prefixSegments = segmentsOf(prefix);
  if (prefixSegments.some((segment, index) => segments[index] !== segment)) return '/';
  return `/${segments.slice(prefixSegments.length).join('/')}`;
}

const segmentsOf = (path: string) => path.split('/').filter((segment) => segment !== '');

/** Reads the grant of a route `/:grantUid`; undefined if it is not a UUID. */
export function grantByUid({ grantUid }: PathParameters): GrantTarget | undefined {
  const uid = String(grantUid).toLowerCase();
  return isUuid(uid) ? { uid } : undefined;
}

/** Reads the grant of a route `/:namespace/:grantName`; undefined if one of them is not valid in Kubernetes. */
export function grantByKey({ namespace, grantName }: PathParameters): GrantTarget | undefined {
  const key = { namespace: String(namespace), name: String(grantName) };
  return isNamespace(key.namespace) && isResourceName(key.name) ? key : undefined;
}
