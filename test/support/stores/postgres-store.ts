import type { Clock } from '../../../src/redemption/ports/clock.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import {
  openPostgresDatabase,
  type PostgresStoreOptions,
} from '../../../src/stores/postgres/postgres-store.js';
import { sqlGrantStore } from '../../../src/stores/sql/sql-grant-store.js';

/** Opens the grant store in a PostgreSQL database. */
export async function openPostgresStore(
  options: PostgresStoreOptions & { readonly clock: Clock },
): Promise<DatabaseStore> {
  return sqlGrantStore(await openPostgresDatabase(options), options.clock);
}
