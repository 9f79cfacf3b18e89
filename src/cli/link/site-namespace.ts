import { namespacesIn } from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import { usageError } from '../terminal/command-error.js';

/** The namespace of the site on this machine. */
export function siteNamespace({ namespace = 'default' }: Settings): string {
  return namespace;
}

/**
 * Throws a CommandError if namespaces exist below `skupperHome`, but not this one: the name is probably mistyped. If there are
 * none, the site may be created later.
 */
export function requireKnownNamespace(skupperHome: string, namespace: string): void {
  const existing = namespacesIn(skupperHome);
  if (existing.length === 0 || existing.includes(namespace)) return;
  throw usageError(
    `there is no namespace "${namespace}" in ${skupperHome}`,
    `set --namespace to one of ${existing.join(', ')}, or create the site first`,
  );
}
