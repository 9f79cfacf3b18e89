import { type Migration, putSchemaSetting, requireVersion, runMigrations } from '../migration.js';
import { change, put, type SqlOperation, value } from '../sql/operation.js';
import { StoreOpenError } from '../store-open-error.js';

/**
 * The steps from an empty database to the current schema. The schema version is the number of steps that were run. A later
 * step only adds tables, columns and indexes, because the previous release may still be running on the same database.
 */
const MIGRATIONS: readonly Migration[] = [
  {
    release: '0.1.0',
    statements: [
      `CREATE TABLE grants (
        uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,
        code_hash BYTEA NOT NULL, code_chosen BIGINT NOT NULL,
        redemptions_allowed BIGINT NOT NULL, redemptions BIGINT NOT NULL,
        window_ms BIGINT NOT NULL, expires_at BIGINT, issuer TEXT, policy TEXT NOT NULL, site_uid TEXT,
        created_at BIGINT NOT NULL, ready_at BIGINT, revoked_at BIGINT, source_file TEXT,
        labels TEXT NOT NULL, note TEXT
      ) WITH (fillfactor = 80)`,
      'CREATE UNIQUE INDEX grants_by_name ON grants (namespace, name)',
      'CREATE INDEX grants_without_end ON grants (uid) WHERE expires_at IS NULL',
      'CREATE INDEX grants_declared ON grants (namespace, name) WHERE source_file IS NOT NULL',
      'CREATE INDEX grants_expired ON grants (expires_at) WHERE source_file IS NULL AND expires_at IS NOT NULL',
      'CREATE INDEX grants_revoked ON grants (revoked_at) WHERE source_file IS NULL AND revoked_at IS NOT NULL',
      `CREATE TABLE redemptions (
        id TEXT PRIMARY KEY, grant_uid TEXT NOT NULL, replay_key TEXT NOT NULL, mode TEXT NOT NULL,
        name TEXT NOT NULL, subject TEXT NOT NULL, peer TEXT NOT NULL, jti TEXT,
        serial TEXT NOT NULL, key_sha256 TEXT NOT NULL, certificate_sha256 TEXT NOT NULL,
        issuer_sha256 TEXT NOT NULL, not_after BIGINT NOT NULL, certificate TEXT NOT NULL,
        policy TEXT NOT NULL, site_uid TEXT, sealed_answer BYTEA, sealed_until BIGINT,
        created_at BIGINT NOT NULL, revoked_at BIGINT, namespace TEXT NOT NULL, issuer TEXT,
        labels TEXT NOT NULL, note TEXT,
        renewals BIGINT NOT NULL, renewed_at BIGINT, renewed_until BIGINT, renewed_peer TEXT,
        renewed_issuer TEXT
      )`,
      'CREATE UNIQUE INDEX redemptions_by_replay_key ON redemptions (grant_uid, replay_key)',
      `CREATE INDEX redemptions_repeated ON redemptions (grant_uid, subject, name, created_at)
        WHERE mode = 'stock'`,
      'CREATE INDEX redemptions_sealed ON redemptions (sealed_until) WHERE sealed_until IS NOT NULL',
      // The row of a redemption has the first certificate, which replays return; the last row here has the newest one. The
      // row of the redemption repeats number, time, end, peer and CA of the last renewal, so that listing links reads one table.
      `CREATE TABLE renewals (
        redemption_id TEXT NOT NULL, number BIGINT NOT NULL, serial TEXT NOT NULL, key_sha256 TEXT NOT NULL,
        certificate_sha256 TEXT NOT NULL, issuer_sha256 TEXT NOT NULL, not_after BIGINT NOT NULL,
        certificate TEXT NOT NULL, renewed_at BIGINT NOT NULL, peer TEXT NOT NULL,
        PRIMARY KEY (redemption_id, number)
      )`,
      `CREATE TABLE codes (
        grant_uid TEXT NOT NULL, jti TEXT NOT NULL, uses BIGINT NOT NULL, used BIGINT NOT NULL,
        expires_at BIGINT NOT NULL, revoked_at BIGINT, subject TEXT, issued_at BIGINT,
        PRIMARY KEY (grant_uid, jti)
      )`,
      // The ledger. Of an entry that retention has removed, the position and the MAC stay. JSON, unlike JSONB, retains the
      // text that the MAC covers.
      `CREATE TABLE events (
        position BIGINT PRIMARY KEY, grant_uid TEXT, seq BIGINT, at BIGINT, kind TEXT, redemption_id TEXT, detail JSON,
        mac BYTEA NOT NULL
      )`,
      'CREATE UNIQUE INDEX events_of_grant ON events (grant_uid, seq)',
      // Redemptions are listed in the order of these entries.
      "CREATE INDEX events_redeemed ON events (position) WHERE kind = 'redeemed'",
      "CREATE INDEX events_redeemed_of_grant ON events (grant_uid, position) WHERE kind = 'redeemed'",
      // Without this index, reading the entries of a redemption would scan the whole table.
      'CREATE INDEX events_of_redemption ON events (redemption_id) WHERE redemption_id IS NOT NULL',
      `CREATE TABLE refusals (
        grant_uid TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
        peer TEXT NOT NULL, count BIGINT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, mac BYTEA,
        PRIMARY KEY (grant_uid, code, name, subject, peer)
      )`,
      // The number of entries, of removed ones, and of refusals, with a MAC under a key that is not in the database.
      `CREATE TABLE ledger_end (
        id BIGINT PRIMARY KEY CHECK (id = 1), position BIGINT NOT NULL, removed BIGINT NOT NULL, refusals BIGINT NOT NULL,
        mac BYTEA NOT NULL
      ) WITH (fillfactor = 10)`,
      // Deleted grants. Retention checks the ledger of a grant once the retention period has passed since `check_at`.
      'CREATE TABLE expiring_ledgers (grant_uid TEXT PRIMARY KEY, check_at BIGINT NOT NULL)',
      'CREATE INDEX expiring_ledgers_due ON expiring_ledgers (check_at)',
      `CREATE TABLE outcomes (
        id TEXT PRIMARY KEY, kid TEXT NOT NULL, request TEXT NOT NULL, created_id TEXT NOT NULL, sealed BYTEA NOT NULL,
        until BIGINT NOT NULL
      )`,
      'CREATE INDEX outcomes_over ON outcomes (until)',
      'CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)',
    ],
  },
];

/** The schema version that this program reads and writes. */
const SCHEMA_VERSION = MIGRATIONS.length;

// "lkgr": only one process migrates at a time.
const LOCK = 'SELECT pg_advisory_xact_lock(1818978162)';
const HAS_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = 'linkgrant'";
const HAS_TABLES = "SELECT 1 FROM pg_class WHERE relnamespace = CAST('linkgrant' AS regnamespace) LIMIT 1";
const HAS_SETTINGS = "SELECT to_regclass('linkgrant.settings')";
const VERSION = "SELECT value FROM settings WHERE key = 'schema-version'";

/**
 * Returns the schema version of a database, 0 without tables of linkgrant. Throws StoreOpenError for another program's tables.
 */
function* schemaVersion(displayUrl: string): SqlOperation<number> {
  if ((yield* value(HAS_SCHEMA)) === undefined) return 0;
  if ((yield* value(HAS_TABLES)) === undefined) return 0;
  const hasSettings = ((yield* value(HAS_SETTINGS)) ?? null) !== null;
  const version = hasSettings ? yield* value(VERSION) : undefined;
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
 * Brings the database to this program's schema, in the open transaction. A database with this schema or a newer one stays
 * unchanged. Other processes that migrate wait for the transaction.
 */
export function* migrateSchema(displayUrl: string): SqlOperation<void> {
  yield* put(LOCK);
  const found = yield* schemaVersion(displayUrl);
  if (found >= SCHEMA_VERSION) return;
  // Creating a schema needs a right that the owner of an existing schema may not have.
  if ((yield* value(HAS_SCHEMA)) === undefined) yield* change('CREATE SCHEMA linkgrant');
  yield* runMigrations(MIGRATIONS.slice(found).map(withByteOrder));
  yield* putSchemaSetting('schema-version', String(SCHEMA_VERSION));
}

/** Makes texts sort by their bytes, independently of the locale of the database. */
function withByteOrder({ release, statements }: Migration): Migration {
  return { release, statements: statements.map((sql) => sql.replace(/\bTEXT\b/g, 'TEXT COLLATE "C"')) };
}
