import { openStore } from '../../compose/open-store.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { type Actor, actorOf } from '../../domain/actor.js';
import { userName } from '../../files/system-user.js';
import { readService, type ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import { usageError } from '../terminal/command-error.js';

/** An open store, and the description that its service recorded. */
export interface StoreSession extends Pick<Settings, 'issuerCert' | 'issuerKey'> {
  /** The store of the actor. */
  readonly store: DatabaseStore;
  /** The user who runs the command. */
  readonly actor: Actor;
  /** Undefined before the first start of a service on this store. */
  readonly service: ServiceDescription | undefined;
  /** The namespace of the command: the setting, else the only one that the service serves, else `default`. */
  readonly namespace: string;
  /** Contains the CAs of a standalone service. */
  readonly dataDir: string;
  readonly clock: Clock;
}

/**
 * Runs `operation` on the store of these settings and closes the store afterwards. With `dryRun` the store does not change.
 * Rejects with a CommandError if `flags` have a `--platform` other than that of the service.
 */
export async function withStore<T>(
  settings: Settings,
  flags: Readonly<Record<string, unknown>>,
  operation: (session: StoreSession) => Promise<T>,
  dryRun = false,
): Promise<T> {
  const { clock } = commandContext();
  const actor = actorOf('local', userName());
  const store = (await openStore(settings, commandContext(), false, dryRun)).actingAs(actor);
  try {
    const service = await readService(store);
    requirePlatform(flags.platform, service?.platform);
    const { dataDir, issuerCert, issuerKey } = settings;
    const namespace = settings.namespace ?? service?.system?.namespace ?? 'default';
    return await operation({ store, actor, service, namespace, dataDir, issuerCert, issuerKey, clock });
  } finally {
    await store.close();
  }
}

/** Throws a CommandError if `--platform` differs from the platform of the service. */
export function requirePlatform(requested: unknown, served: string | undefined): void {
  if (requested === undefined || served === undefined || served === requested) return;
  throw usageError(
    `the service is for platform ${served}, not ${requested}`,
    'omit --platform, or select another service with --data-dir or --server',
  );
}
