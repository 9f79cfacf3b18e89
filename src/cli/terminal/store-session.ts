import { openStore } from '../../compose/open-store.js';
import type { Settings } from '../../config/setting-schemas.js';
import { readService, type ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import { CommandError } from './command-error.js';
import { configurationFrom, type NotInCluster } from './configuration.js';

/** An open store, and what the service that uses it publishes. */
export interface StoreSession {
  readonly store: GrantStore;
  /** Undefined before the first start of a service on this store. */
  readonly service: ServiceDescription | undefined;
  /** The namespace that the command is about: the setting, else the only one that the service serves, else `default`. */
  readonly namespace: string;
  /** Where the service without a platform keeps its CAs. */
  readonly dataDir: string;
  readonly clock: Clock;
}

/** Runs `act` on the configured store and closes it afterwards, whatever happens. There is none in a cluster. */
export async function withStore<T>(
  flags: Readonly<Record<string, unknown>>,
  act: (session: StoreSession) => Promise<T>,
  notInCluster?: NotInCluster,
): Promise<T> {
  const { settings } = configurationFrom(flags, notInCluster);
  return withStoreOf(settings, (session) => {
    requirePlatform(flags.platform, session.service?.platform);
    return act(session);
  });
}

/** The same for settings that are read already. */
export async function withStoreOf<T>(
  settings: Settings,
  act: (session: StoreSession) => Promise<T>,
): Promise<T> {
  const clock: Clock = Date.now;
  const store = await openStore(settings, { clock, checkpoint: () => {} }, false);
  try {
    const service = await readService(store);
    const { dataDir } = settings;
    return await act({ store, service, namespace: namespaceOf(settings, service), dataDir, clock });
  } finally {
    await store.close();
  }
}

function namespaceOf({ namespace }: Settings, service: ServiceDescription | undefined): string {
  return namespace ?? service?.system?.namespace ?? 'default';
}

/** What the service runs on is known; a flag that says otherwise means another service. */
export function requirePlatform(asked: unknown, served: string | undefined): void {
  if (asked === undefined || served === undefined || served === asked) return;
  throw new CommandError(`the service on this store is for platform ${served}, not ${asked}`, {
    exitCode: 2,
    hint: 'leave --platform out, or name the --data-dir of the service that is meant',
  });
}
