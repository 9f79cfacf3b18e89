import type { AdministrationSession } from './administration-session.js';

/** The `-n` flag of a suggested command, after a space; empty if it applies to the same namespace without it. */
export function namespaceFlag({
  namespace,
  defaultNamespace,
}: Pick<AdministrationSession, 'namespace' | 'defaultNamespace'>): string {
  return namespace === defaultNamespace ? '' : ` -n ${namespace}`;
}

/** The text of an empty list. */
export function nothingListed(what: string, namespace: string, allNamespaces = false): string {
  return allNamespaces
    ? `There are no ${what}.\n`
    : `There are no ${what} in namespace "${namespace}"; -A lists those of all.\n`;
}
