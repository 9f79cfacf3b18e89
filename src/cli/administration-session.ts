import { storeAdministration } from '../administration.js';
import type { Administration } from '../redemption/administration/administration.js';
import { CommandError } from './command-error.js';
import { withStore } from './store-session.js';

/** What commands on grants, tokens and redemptions work with, wherever the store is. */
export interface AdministrationSession {
  readonly administration: Administration;
  /** The namespace that the command is about: the setting, else the only one that the service serves, else `default`. */
  readonly namespace: string;
  /** The namespace that is meant where nobody names one. */
  readonly usualNamespace: string;
}

/** Runs `act` on the administration of the configured store, and closes it afterwards. */
export async function withAdministration<T>(
  flags: Readonly<Record<string, unknown>>,
  act: (session: AdministrationSession) => Promise<T>,
): Promise<T> {
  return withStore(flags, async (session) => {
    const administration = storeAdministration(session);
    const { namespace: usualNamespace } = await administration.describeService();
    return act({ administration, namespace: session.namespace, usualNamespace });
  });
}

/** Throws a CommandError where a server is meant by a command that works on the store alone, which `why` explains. */
export function refuseServer(flags: Readonly<Record<string, unknown>>, why: string): void {
  if (flags.server === undefined) return;
  throw new CommandError(why, { exitCode: 2, hint: 'run it on the host of the service, without --server' });
}
