import { join } from 'node:path';
import type { Clock } from '../../../src/redemption/ports/clock.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import {
  openPostgresDatabase,
  type PostgresStoreOptions,
} from '../../../src/stores/postgres/postgres-store.js';
import { sqlGrantStore } from '../../../src/stores/sql/sql-grant-store.js';
import { releaseAfterTest } from '../release.js';
import { NOW } from '../store-samples.js';
import type { TestDatabase } from './postgres-server.js';

/** Opens the grant store in a PostgreSQL database. */
export async function openPostgresStore(
  options: PostgresStoreOptions & { readonly clock: Clock },
): Promise<DatabaseStore> {
  return sqlGrantStore(await openPostgresDatabase(options), options.clock);
}

/** Opens the grant store in a test database, with its ledger key in `directory`, and closes it after the current test. */
export async function postgresStoreForTest(
  database: TestDatabase,
  directory: string,
  options: Partial<PostgresStoreOptions> = {},
): Promise<DatabaseStore> {
  const ledgerKeyFile = join(directory, 'ledger.key');
  const defaults = { target: database.place, migrate: true, clock: () => NOW, ledgerKeyFile };
  return releaseAfterTest(await openPostgresStore({ ...defaults, ...options }));
}
