import { readService } from '../../../src/redemption/accepting/service-description.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { ENDPOINT, type Serving, type Workplace } from '../../support/command-line.js';
import { openPostgresStore } from '../../support/stores/postgres-store.js';
import { type DatabaseServer, PASSWORD } from './database-server.js';

/** Environment of every command that uses the servers. */
export const ENV = { PGPASSWORD: PASSWORD };

/** Flags that all hosts of the service have in common. */
export const PUBLISHED = [
  ...['--external-url', 'https://grants.example.com', '--host', '127.0.0.1'],
  ...ENDPOINT,
] as const;

/** URL for `--store` of the service's database on these servers; the store uses the primary among them. */
export function storeUrl(...servers: readonly DatabaseServer[]): string {
  const [first = '', ...others] = servers.map(({ url }) => url);
  const ports = others.map((url) => `,${new URL(url).host}`).join('');
  return first.replace(/(?=\/[^/]+$)/, ports);
}

/** Starts a service with a data directory of this name, as one of several hosts. */
export function serveOn(work: Workplace, host: string, store: string): Promise<Serving> {
  const place = ['--data-dir', work.path(host), '--store', store];
  return work.serve([...PUBLISHED, '--log-level', 'error', ...place], { env: ENV });
}

/** Opens the store of a service that has this ledger key; returns the store and the CA of the service. */
export async function openServedStore(
  server: DatabaseServer,
  ledgerKeyFile: string,
): Promise<{ readonly store: DatabaseStore; readonly ca: string }> {
  const store = await openPostgresStore({
    target: server.target,
    migrate: false,
    clock: Date.now,
    ledgerKeyFile,
  });
  return { store, ca: (await readService(store))?.ca ?? '' };
}
