import { requireVersion, runMigrations } from '../migration.js';
import { schemaMigrations } from '../schema.js';
import { change, put, type SqlOperation, setting, value, writeSetting } from '../sql/operation.js';
import { StoreOpenError } from '../store-open-error.js';

const FILL_FACTORS: Readonly<Record<string, string>> = {
  grants: 'WITH (fillfactor = 80)',
  ledger_end: 'WITH (fillfactor = 10)',
};
const MIGRATIONS = schemaMigrations({
  // Texts sort by their bytes, independently of the locale of the database.
  typeNames: { TEXT: 'TEXT COLLATE "C"' },
  redemptionKey: 'id TEXT PRIMARY KEY',
  redemptionIndexes: [
    "CREATE INDEX events_redeemed ON events (position) WHERE kind = 'redeemed'",
    "CREATE INDEX events_redeemed_of_grant ON events (grant_uid, position) WHERE kind = 'redeemed'",
  ],
  // Free space in a page lets a frequent update stay in it, without a change of the indexes.
  optionsOf: (table) => FILL_FACTORS[table] ?? '',
});

/** The schema version that this program reads and writes. */
const SCHEMA_VERSION = MIGRATIONS.length;

// "lkgr": only one process migrates at a time.
const LOCK = 'SELECT pg_advisory_xact_lock(1818978162)';
const HAS_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = 'linkgrant'";
const HAS_TABLES = "SELECT 1 FROM pg_class WHERE relnamespace = CAST('linkgrant' AS regnamespace) LIMIT 1";
const HAS_SETTINGS = "SELECT to_regclass('linkgrant.settings')";
const VERSION = 'schema-version';

/**
 * Returns the schema version of a database, 0 without tables of linkgrant. Throws StoreOpenError for another program's tables.
 */
function* schemaVersion(displayUrl: string): SqlOperation<number> {
  if ((yield* value(HAS_SCHEMA)) === undefined) return 0;
  if ((yield* value(HAS_TABLES)) === undefined) return 0;
  const hasSettings = ((yield* value(HAS_SETTINGS)) ?? null) !== null;
  const version = hasSettings ? yield* setting(VERSION) : undefined;
  if (version !== undefined) return Number(version);
  throw new StoreOpenError(
    `the schema linkgrant of the store ${displayUrl} has another program's tables`,
    'name another database',
  );
}

/** Throws StoreSchemaError unless the database has this program's schema. */
export function* checkSchema(displayUrl: string): SqlOperation<void> {
  const found = yield* schemaVersion(displayUrl);
  yield* requireVersion(displayUrl, { found, wanted: SCHEMA_VERSION });
}

/**
 * Brings the database to this program's schema, in the open transaction. A database with this schema stays
 * unchanged. Other processes that migrate wait for the transaction. Throws StoreSchemaError for a newer schema.
 */
export function* migrateSchema(displayUrl: string): SqlOperation<void> {
  yield* put(LOCK);
  const found = yield* schemaVersion(displayUrl);
  if (found >= SCHEMA_VERSION) return yield* requireVersion(displayUrl, { found, wanted: SCHEMA_VERSION });
  // Creating a schema needs a right that the owner of an existing schema may not have.
  if ((yield* value(HAS_SCHEMA)) === undefined) yield* change('CREATE SCHEMA linkgrant');
  yield* runMigrations(MIGRATIONS.slice(found));
  yield* writeSetting(VERSION, String(SCHEMA_VERSION));
}
