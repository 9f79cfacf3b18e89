import { namespacesIn } from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import { CommandError } from '../terminal/command-error.js';

/** The namespace of the site on this machine. */
export function siteNamespace({ namespace = 'default' }: Settings): string {
  return namespace;
}

/** Throws a CommandError for an unknown namespace if others exist: it is probably mistyped. Without any, a site may follow. */
export function requireKnownNamespace(skupperHome: string, namespace: string): void {
  const existing = namespacesIn(skupperHome);
  if (existing.length === 0 || existing.includes(namespace)) return;
  throw new CommandError(`there is no namespace "${namespace}" in ${skupperHome}`, {
    exitCode: 2,
    hint: `set --namespace to one of ${existing.join(', ')}, or create the site first`,
  });
}
