import { type Migration, requireVersion, runMigrations } from '../migration.js';
import { change, type SqlOperation, value } from '../sql/operation.js';
import { StoreOpenError } from '../store-open-error.js';

// "lkgr": identifies a linkgrant database in the file header, so that another program's database is refused.
const APPLICATION_ID = 0x6c6b6772;

/**
 * The steps from an empty database to the current schema. The schema version is the number of steps that were run. A later
 * step only adds tables, columns and indexes, because the previous release may still be running on the same file.
 */
const MIGRATIONS: readonly Migration[] = [
  {
    release: '0.1.0',
    statements: [
      `CREATE TABLE grants (
        uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,
        code_hash BLOB NOT NULL, code_chosen INTEGER NOT NULL,
        redemptions_allowed INTEGER NOT NULL, redemptions INTEGER NOT NULL,
        window_ms INTEGER NOT NULL, expires_at INTEGER, issuer TEXT, policy TEXT NOT NULL, site_uid TEXT,
        created_at INTEGER NOT NULL, ready_at INTEGER, revoked_at INTEGER, source_file TEXT,
        labels TEXT NOT NULL, note TEXT
      ) STRICT, WITHOUT ROWID`,
      'CREATE UNIQUE INDEX grants_by_name ON grants (namespace, name)',
      'CREATE INDEX grants_without_end ON grants (uid) WHERE expires_at IS NULL',
      'CREATE INDEX grants_declared ON grants (namespace, name) WHERE source_file IS NOT NULL',
      'CREATE INDEX grants_expired ON grants (expires_at) WHERE source_file IS NULL AND expires_at IS NOT NULL',
      'CREATE INDEX grants_revoked ON grants (revoked_at) WHERE source_file IS NULL AND revoked_at IS NOT NULL',
      // Listings are in the order of the rowid, which is the order of commits, so no row is added to a page that was read before.
      `CREATE TABLE redemptions (
        position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        grant_uid TEXT NOT NULL, replay_key TEXT NOT NULL, mode TEXT NOT NULL,
        name TEXT NOT NULL, subject TEXT NOT NULL, peer TEXT NOT NULL, jti TEXT,
        serial TEXT NOT NULL, key_sha256 TEXT NOT NULL, certificate_sha256 TEXT NOT NULL,
        issuer_sha256 TEXT NOT NULL, not_after INTEGER NOT NULL, certificate TEXT NOT NULL,
        policy TEXT NOT NULL, site_uid TEXT, sealed_answer BLOB, sealed_until INTEGER,
        created_at INTEGER NOT NULL, revoked_at INTEGER, namespace TEXT NOT NULL, issuer TEXT,
        labels TEXT NOT NULL, note TEXT,
        renewals INTEGER NOT NULL, renewed_at INTEGER, renewed_until INTEGER, renewed_peer TEXT,
        renewed_issuer TEXT
      ) STRICT`,
      'CREATE UNIQUE INDEX redemptions_by_replay_key ON redemptions (grant_uid, replay_key)',
      `CREATE INDEX redemptions_repeated ON redemptions (grant_uid, subject, name, created_at)
        WHERE mode = 'stock'`,
      'CREATE INDEX redemptions_sealed ON redemptions (sealed_until) WHERE sealed_until IS NOT NULL',
      // The row of a redemption has the first certificate, which replays return; the last row here has the newest one. The
      // row of the redemption repeats number, time, end, peer and CA of the last renewal, so that listing links reads one table.
      `CREATE TABLE renewals (
        redemption_id TEXT NOT NULL, number INTEGER NOT NULL, serial TEXT NOT NULL, key_sha256 TEXT NOT NULL,
        certificate_sha256 TEXT NOT NULL, issuer_sha256 TEXT NOT NULL, not_after INTEGER NOT NULL,
        certificate TEXT NOT NULL, renewed_at INTEGER NOT NULL, peer TEXT NOT NULL,
        PRIMARY KEY (redemption_id, number)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE codes (
        grant_uid TEXT NOT NULL, jti TEXT NOT NULL, uses INTEGER NOT NULL, used INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, revoked_at INTEGER, subject TEXT, issued_at INTEGER,
        PRIMARY KEY (grant_uid, jti)
      ) STRICT, WITHOUT ROWID`,
      // The ledger. Of an entry that retention has removed, the position and the MAC stay.
      `CREATE TABLE events (
        position INTEGER PRIMARY KEY, grant_uid TEXT, seq INTEGER, at INTEGER, kind TEXT, redemption_id TEXT,
        detail TEXT, mac BLOB NOT NULL
      ) STRICT`,
      'CREATE UNIQUE INDEX events_of_grant ON events (grant_uid, seq)',
      // Without this index, reading the entries of a redemption would scan the whole table.
      'CREATE INDEX events_of_redemption ON events (redemption_id) WHERE redemption_id IS NOT NULL',
      `CREATE TABLE refusals (
        grant_uid TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
        peer TEXT NOT NULL, count INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, mac BLOB,
        PRIMARY KEY (grant_uid, code, name, subject, peer)
      ) STRICT, WITHOUT ROWID`,
      // The number of entries, of removed ones, and of refusals, with a MAC under a key that is not in the database.
      `CREATE TABLE ledger_end (
        id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, removed INTEGER NOT NULL,
        refusals INTEGER NOT NULL, mac BLOB NOT NULL
      ) STRICT`,
      // Deleted grants. Retention checks the ledger of a grant once the retention period has passed since `check_at`.
      `CREATE TABLE expiring_ledgers (grant_uid TEXT PRIMARY KEY, check_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
      'CREATE INDEX expiring_ledgers_due ON expiring_ledgers (check_at)',
      `CREATE TABLE outcomes (
        id TEXT PRIMARY KEY, kid TEXT NOT NULL, request TEXT NOT NULL, created_id TEXT NOT NULL, sealed BLOB NOT NULL,
        until INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`,
      'CREATE INDEX outcomes_over ON outcomes (until)',
      'CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
    ],
  },
];

/** The schema version that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Returns the schema version of a database, 0 for an empty one. Throws StoreOpenError for another program's database. */
function* schemaVersion(file: string): SqlOperation<number> {
  if ((yield* value('PRAGMA application_id')) === APPLICATION_ID) {
    return Number(yield* value('PRAGMA user_version'));
  }
  if ((yield* value('SELECT count(*) FROM sqlite_schema')) === 0) return 0;
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
 * Brings the database to this program's schema, in the open transaction. A database with this schema or a newer one stays
 * unchanged.
 */
export function* migrateSchema(file: string): SqlOperation<void> {
  const found = yield* schemaVersion(file);
  if (found >= SCHEMA_VERSION) return;
  yield* runMigrations(MIGRATIONS.slice(found));
  yield* change(`PRAGMA application_id = ${APPLICATION_ID}`);
  yield* change(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}
