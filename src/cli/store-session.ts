import { openStore } from '../open-store.js';
import type { GrantStore } from '../redemption/grant-store.js';
import { readService, type ServiceDescription } from '../redemption/service-description.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';

/** An open store, and what the service that uses it publishes. */
export interface StoreSession {
  readonly store: GrantStore;
  /** Undefined before the first start of a service on this store. */
  readonly service: ServiceDescription | undefined;
  /** The namespace that the command is about: the one given, else the only one that the service serves, else `default`. */
  readonly namespace: string;
  /** Where the service without a platform keeps its CAs. */
  readonly dataDir: string;
}

/** Runs `act` on the configured store and closes it afterwards, whatever happens. */
export async function withStore<T>(
  flags: Readonly<Record<string, unknown>>,
  act: (session: StoreSession) => Promise<T>,
): Promise<T> {
  const { settings } = configurationFrom(flags);
  const store = await openStore(settings, { clock: Date.now, checkpoint: () => {} }, false);
  try {
    const service = await readService(store);
    return await act({ store, service, namespace: namespaceOf(flags, service), dataDir: settings.dataDir });
  } finally {
    await store.close();
  }
}

function namespaceOf(
  { namespace }: Readonly<Record<string, unknown>>,
  service: ServiceDescription | undefined,
): string {
  return typeof namespace === 'string' ? namespace : (service?.system?.namespace ?? 'default');
}

/** The published description, or an error that says how to get one. */
export function requireService({ service }: StoreSession): ServiceDescription {
  if (service) return service;
  throw new CommandError('no service has run on this store yet, so there is no URL for tokens', {
    exitCode: 2,
    hint: 'start `linkgrant serve` once with the same --data-dir, --host and --endpoint; it need not keep running',
  });
}
