import type { AdministrationSession } from './administration-session.js';

/** The flag, after a space, with which a shown command means the namespace of this one; empty where it needs none. */
export function namespaceFlag({
  namespace,
  usualNamespace,
}: Pick<AdministrationSession, 'namespace' | 'usualNamespace'>): string {
  return namespace === usualNamespace ? '' : ` -n ${namespace}`;
}

/** What a list says that is empty. */
export function nothingListed(what: string, namespace: string, allNamespaces = false): string {
  return allNamespaces
    ? `There are no ${what}.\n`
    : `There are no ${what} in namespace "${namespace}"; -A lists those of all.\n`;
}
