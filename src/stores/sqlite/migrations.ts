import { requireVersion, runMigrations } from '../migration.js';
import { schemaMigrations } from '../schema.js';
import { change, type SqlOperation, value } from '../sql/operation.js';
import { StoreOpenError } from '../store-open-error.js';

// "lkgr": identifies a linkgrant database in the file header, so that another program's database is refused.
const APPLICATION_ID = 0x6c6b6772;

// Tables whose rows are read by rowid, in the order of insertion.
const ROWID_TABLES = ['redemptions', 'events', 'ledger_end'];
/** The steps from an empty database to this program's schema. */
export const MIGRATIONS = schemaMigrations({
  typeNames: { BIGINT: 'INTEGER', BYTEA: 'BLOB', JSON: 'TEXT' },
  redemptionKey: 'position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE',
  // An index ends with the rowid, so it has the links of a grant in commit order.
  redemptionIndexes: ['CREATE INDEX redemptions_of_grant ON redemptions (grant_uid)'],
  optionsOf: (table) => (ROWID_TABLES.includes(table) ? 'STRICT' : 'STRICT, WITHOUT ROWID'),
});

/** The schema version that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Returns the schema version of a database, 0 for an empty one. Throws StoreOpenError for another program's database. */
export function* schemaVersion(file: string): SqlOperation<number> {
  // First, because another process may create the tables and the id meanwhile, in one transaction.
  if ((yield* value('SELECT count(*) FROM sqlite_schema')) === 0) return 0;
  if ((yield* value('PRAGMA application_id')) === APPLICATION_ID) {
    return Number(yield* value('PRAGMA user_version'));
  }
  throw new StoreOpenError(`the store ${file} is another program's database`, 'name another file');
}

/**
 * Throws StoreSchemaError unless the database has this program's schema. With `orNewer` a newer schema is accepted too,
 * because it only adds to the tables of this program.
 */
export function* checkSchema(file: string, orNewer = false): SqlOperation<void> {
  const found = yield* schemaVersion(file);
  if (orNewer && found > SCHEMA_VERSION) return;
  yield* requireVersion(file, { found, wanted: SCHEMA_VERSION });
}

/**
 * Brings the database to this program's schema, in the open transaction. A database with this schema stays
 * unchanged. Throws StoreSchemaError for a newer one.
 */
export function* migrateSchema(file: string): SqlOperation<void> {
  const found = yield* schemaVersion(file);
  if (found >= SCHEMA_VERSION) return yield* requireVersion(file, { found, wanted: SCHEMA_VERSION });
  yield* runMigrations(MIGRATIONS.slice(found));
  yield* change(`PRAGMA application_id = ${APPLICATION_ID}`);
  yield* change(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}
