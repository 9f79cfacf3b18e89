import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandContext } from '../config/command-context.js';
import type { Settings } from '../config/setting-schemas.js';
import type { PostgresUrl } from '../config/store-url.js';
import { storeUnavailable } from '../domain/redemption-error.js';
import { makePrivateDirectory } from '../files/private-file.js';
import { homeDirectory, userName } from '../files/system-user.js';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { ServingLease, SharedSettings } from '../redemption/ports/serving-lease.js';
import type { WebhookStore } from '../redemption/ports/webhook-store.js';
import type { PostgresTarget } from '../stores/postgres/postgres-target.js';
import type { SqlDatabase } from '../stores/sql/sql-database.js';
import { undecidedRestore } from './undecided-restore.js';

/** The settings that locate the store and the key of its ledger. */
export type StoreLocation = Pick<Settings, 'store' | 'dataDir'>;

/** Dependencies of opening a store. */
export interface OpenContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/**
 * Opens the configured store. With `migrate` it creates or upgrades the schema first. With `dryRun` the operations of an
 * operator return their results, and change nothing.
 */
export async function openStore(
  location: StoreLocation,
  context: OpenContext,
  migrate: boolean,
  dryRun = false,
): Promise<DatabaseStore> {
  const { sqlGrantStore } = await import('../stores/sql/sql-grant-store.js');
  const store = sqlGrantStore(await openDatabase(location, context, migrate), context.clock);
  return dryRun ? (await import('../stores/preview-store.js')).previewStore(store) : store;
}

/** Opens the store of a service and its part for webhooks. With `migrate` it creates or upgrades the schema first. */
export async function openServiceStore(
  location: StoreLocation,
  context: OpenContext,
  migrate: boolean,
): Promise<{ readonly store: DatabaseStore; readonly webhooks: WebhookStore }> {
  const { sqlGrantStore } = await import('../stores/sql/sql-grant-store.js');
  const { webhookStore } = await import('../stores/sql/webhooks.js');
  const database = await openDatabase(location, context, migrate);
  return { store: sqlGrantStore(database, context.clock), webhooks: webhookStore(database) };
}

/** The file with the key of the ledger. */
export function ledgerKeyPath({ dataDir }: Pick<Settings, 'dataDir'>): string {
  return join(dataDir, 'ledger.key');
}

/**
 * Opens the database of the configured store. With `migrate` it creates or upgrades the schema first. A restored store that is not
 * accepted yet can only be read, unless `accepts` is set. With `empty` it also accepts a database without a ledger, even if this host
 * has the key of a ledger.
 */
export async function openDatabase(
  location: StoreLocation,
  context: OpenContext,
  migrate: boolean,
  accepts?: 'restored' | 'empty',
): Promise<SqlDatabase> {
  const undecided = accepts ? undefined : undecidedRestore(location.dataDir);
  if (!undecided) return openAccepted(location, context, migrate, accepts === 'empty');
  if (migrate) throw undecided;
  const database = await openAccepted(location, context, false, false);
  return { ...database, write: () => Promise.reject(storeUnavailable(undecided.message, undecided)) };
}

async function openAccepted(
  { store, dataDir }: StoreLocation,
  { checkpoint }: OpenContext,
  migrate: boolean,
  acceptsEmpty: boolean,
): Promise<SqlDatabase> {
  const shared = { migrate, acceptsEmpty, checkpoint, ledgerKeyFile: ledgerKeyPath({ dataDir }) };
  if (migrate) makePrivateDirectory(dataDir);
  if (store?.kind === 'postgres') {
    const { openPostgresDatabase } = await import('../stores/postgres/postgres-store.js');
    return openPostgresDatabase({ target: await postgresTargetOf(store), ...shared });
  }
  const { openSqliteDatabase } = await import('../stores/sqlite/sqlite-store.js');
  const file = sqliteFile(store, dataDir);
  if (migrate) makePrivateDirectory(dirname(file));
  return openSqliteDatabase({ file, ...shared });
}

/**
 * Rejects as {@link openStore} does if the database server cannot be used. Writes nothing, so that a service that cannot have a
 * store does not create a data directory.
 */
export async function checkStore({ store }: Pick<StoreLocation, 'store'>): Promise<void> {
  if (store?.kind !== 'postgres') return;
  const { checkPostgresServer } = await import('../stores/postgres/postgres-store.js');
  await checkPostgresServer(await postgresTargetOf(store));
}

/** The file of an SQLite store; in the data directory without `--store`. */
export function sqliteFile(store: { readonly file: string } | undefined, dataDir: string): string {
  return store?.file ?? join(dataDir, 'linkgrant.db');
}

/** True if the configured store exists; a database on a server counts as existing. */
export function hasStore({ store, dataDir }: StoreLocation): boolean {
  return store?.kind === 'postgres' || existsSync(sqliteFile(store, dataDir));
}

/** Acquires the lease in a PostgreSQL store. Rejects with OtherServiceError while a service with other settings runs on it. */
export async function acquireStoreLease(
  url: PostgresUrl,
  shared: () => SharedSettings,
): Promise<ServingLease> {
  const { acquirePostgresLease } = await import('../stores/postgres/serving-lease.js');
  return acquirePostgresLease(await postgresTargetOf(url), shared);
}

/** Completes the URL as libpq does, from variables, the password file and the name of the operating system's user. */
export async function postgresTargetOf(url: PostgresUrl): Promise<PostgresTarget> {
  const { postgresTarget } = await import('../stores/postgres/postgres-target.js');
  const { HOME, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE } = commandContext().env;
  const user = url.user ?? (PGUSER || userName());
  return postgresTarget({
    ...url,
    user,
    database: url.database ?? (PGDATABASE || user),
    password: url.password ?? (PGPASSWORD || undefined),
    passfile: url.passfile ?? (PGPASSFILE || join(HOME || homeDirectory(), '.pgpass')),
  });
}
