import { isNamespace, isResourceName, isUuid } from '../domain/names.js';
import type { GrantTarget } from '../redemption/accepting/prove-code.js';

/** What a request path asks for; a renewal says in its body of what. */
export type RequestedAct =
  | { readonly act: 'redeem' | 'check'; readonly target: GrantTarget }
  | { readonly act: 'renew' };

// Ours alone: no namespace can be called that, and a stock server knows no such path.
const OWN_SEGMENT = '-';

/** The non-empty segments of a path such as `/a/b`, of any URL path prefix. */
export function pathSegments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

// A request target in absolute form is to be accepted as well (RFC 9112 §3.2.2); whom it names is not looked at.
const ORIGIN = /^https?:\/\/[^/?]*/i;

/** Path and query of a request target (RFC 9112 §3.2); `*` for one that names nothing here. */
export function originForm(target: string): string {
  const rest = target.replace(ORIGIN, '');
  // A fragment is never sent, and Express cannot read each target that has one.
  if (rest.includes('#')) return '*';
  if (rest.startsWith('/')) return rest;
  return rest === target ? '*' : `/${rest}`;
}

/**
 * Reads a path with its query: `<prefix>/<grant uid>`, or by key `<prefix>/<namespace>/<grant name>`, each
 * alone or followed by `/-/check`, or `<prefix>/-/renew`. Empty segments are dropped, the query is ignored, percent-escapes are refused.
 * Undefined means that it names nothing here.
 */
export function parseRequestPath(
  pathAndQuery: string,
  prefix: readonly string[],
  allowByKey: boolean,
): RequestedAct | undefined {
  const path = pathAndQuery.split('?', 1)[0] as string;
  if (!path.startsWith('/') || path.includes('%')) return undefined;
  const segments = pathSegments(path);
  if (prefix.some((segment, index) => segments[index] !== segment)) return undefined;
  const own = segments.slice(prefix.length);
  if (own.length === 2 && own[0] === OWN_SEGMENT && own[1] === 'renew') return { act: 'renew' };
  const check = own.length > 2 && own.at(-2) === OWN_SEGMENT && own.at(-1) === 'check';
  const target = parseTarget(check ? own.slice(0, -2) : own, allowByKey);
  return target && { act: check ? 'check' : 'redeem', target };
}

function parseTarget(segments: readonly string[], allowByKey: boolean): GrantTarget | undefined {
  const [first, second] = segments;
  if (segments.length === 1 && first !== undefined) {
    const uid = first.toLowerCase();
    return isUuid(uid) ? { uid } : undefined;
  }
  if (!allowByKey || segments.length !== 2 || first === undefined || second === undefined) return undefined;
  return isNamespace(first) && isResourceName(second) ? { namespace: first, name: second } : undefined;
}
