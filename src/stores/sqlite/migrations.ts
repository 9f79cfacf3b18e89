import { StoreOpenError, StoreSchemaError } from '../store-open-error.js';
import type { SqliteConnection } from './connection.js';

// "lkgr", in the header of every database of ours, so that no other program's file is taken for one.
const APPLICATION_ID = 0x6c6b6772;

interface Migration {
  /** The first release that knows the tables as they are then. */
  readonly release: string;
  readonly statements: readonly string[];
}

/**
 * What brings a database from one schema version to the next; the version is the number of those that ran. Each one
 * only adds, because the release before it may still be running on the same file.
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
        created_at INTEGER NOT NULL, ready_at INTEGER, revoked_at INTEGER, source_file TEXT
      ) STRICT, WITHOUT ROWID`,
      'CREATE UNIQUE INDEX grants_by_name ON grants (namespace, name)',
      'CREATE INDEX grants_without_end ON grants (uid) WHERE expires_at IS NULL',
      // The rowid is the order of the commits: listings go by it, so nothing appears behind a page already read.
      `CREATE TABLE redemptions (
        position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        grant_uid TEXT NOT NULL, replay_key TEXT NOT NULL, mode TEXT NOT NULL,
        name TEXT NOT NULL, subject TEXT NOT NULL, peer TEXT NOT NULL, jti TEXT,
        serial TEXT NOT NULL, key_sha256 TEXT NOT NULL, certificate_sha256 TEXT NOT NULL,
        issuer_sha256 TEXT NOT NULL, not_after INTEGER NOT NULL, certificate TEXT NOT NULL,
        policy TEXT NOT NULL, site_uid TEXT, sealed_answer BLOB, sealed_until INTEGER,
        created_at INTEGER NOT NULL, revoked_at INTEGER
      ) STRICT`,
      'CREATE UNIQUE INDEX redemptions_by_replay_key ON redemptions (grant_uid, replay_key)',
      `CREATE INDEX redemptions_repeated ON redemptions (grant_uid, subject, name, created_at)
        WHERE mode = 'stock'`,
      'CREATE INDEX redemptions_sealed ON redemptions (sealed_until) WHERE sealed_until IS NOT NULL',
      `CREATE TABLE codes (
        grant_uid TEXT NOT NULL, jti TEXT NOT NULL, uses INTEGER NOT NULL, used INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, revoked_at INTEGER, PRIMARY KEY (grant_uid, jti)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE events (
        grant_uid TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
        redemption_id TEXT, detail TEXT, mac BLOB, PRIMARY KEY (grant_uid, seq)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE refusals (
        grant_uid TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
        peer TEXT NOT NULL, count INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
        PRIMARY KEY (grant_uid, code, name, subject, peer)
      ) STRICT, WITHOUT ROWID`,
      'CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
    ],
  },
  {
    release: '0.2.0',
    statements: [
      'CREATE INDEX grants_declared ON grants (namespace, name) WHERE source_file IS NOT NULL',
      'ALTER TABLE codes ADD COLUMN subject TEXT',
      'ALTER TABLE codes ADD COLUMN issued_at INTEGER',
      "ALTER TABLE redemptions ADD COLUMN namespace TEXT NOT NULL DEFAULT 'default'",
      'ALTER TABLE redemptions ADD COLUMN issuer TEXT',
      // The redemption keeps its first certificate, which replays give again; the newest is the last of these.
      `CREATE TABLE renewals (
        redemption_id TEXT NOT NULL, number INTEGER NOT NULL, serial TEXT NOT NULL, key_sha256 TEXT NOT NULL,
        certificate_sha256 TEXT NOT NULL, issuer_sha256 TEXT NOT NULL, not_after INTEGER NOT NULL,
        certificate TEXT NOT NULL, renewed_at INTEGER NOT NULL, peer TEXT NOT NULL,
        PRIMARY KEY (redemption_id, number)
      ) STRICT, WITHOUT ROWID`,
      'ALTER TABLE events ADD COLUMN position INTEGER',
      'ALTER TABLE refusals ADD COLUMN mac BLOB',
      // Attempts of one client again and again are added up; without an index each would read its grant's whole ledger.
      `CREATE INDEX events_of_loops ON events (redemption_id, at)
        WHERE kind = 'replayed' OR kind = 'superseded'`,
      // Where each grant's entries end, and the whole ledger, under a key that is not here.
      `CREATE TABLE ledger_heads (
        grant_uid TEXT PRIMARY KEY, length INTEGER NOT NULL, last BLOB NOT NULL, check_at INTEGER, mac BLOB NOT NULL
      ) STRICT, WITHOUT ROWID`,
      'CREATE INDEX ledger_heads_deleted ON ledger_heads (check_at) WHERE check_at IS NOT NULL',
      `CREATE TABLE ledger_end (
        id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, removed INTEGER NOT NULL, mac BLOB NOT NULL
      ) STRICT`,
      `CREATE INDEX grants_expired ON grants (expires_at) WHERE source_file IS NULL AND expires_at IS NOT NULL`,
      `CREATE INDEX grants_revoked ON grants (revoked_at) WHERE source_file IS NULL AND revoked_at IS NOT NULL`,
    ],
  },
  {
    release: '0.2.0',
    statements: [
      `CREATE TABLE outcomes (
        id TEXT PRIMARY KEY, kid TEXT NOT NULL, request TEXT NOT NULL, made TEXT NOT NULL, sealed BLOB NOT NULL,
        until INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`,
      'CREATE INDEX outcomes_over ON outcomes (until)',
      // How often the refusals of each grant were counted, and, under an empty uid, those of all.
      `CREATE TABLE refusal_totals (
        grant_uid TEXT PRIMARY KEY, times INTEGER NOT NULL, mac BLOB NOT NULL
      ) STRICT, WITHOUT ROWID`,
      // What a process of release 0.1.0 adds takes the place of no entry with a code: it stands before the first.
      `CREATE TRIGGER events_uncoded AFTER INSERT ON events WHEN new.mac IS NULL BEGIN
        UPDATE events SET seq = (SELECT min(0, min(seq)) - 1 FROM events WHERE grant_uid = new.grant_uid)
          WHERE grant_uid = new.grant_uid AND seq = new.seq;
      END`,
    ],
  },
];

/** What the ledger of an older schema lacks: all codes, or the counts of its refusals. */
type OlderLedger = 'codes' | 'counts';

// By schema version.
const LACKING: Readonly<Record<number, OlderLedger>> = { 1: 'codes', 2: 'counts' };

/** The schema version that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

function pragma(connection: SqliteConnection, name: 'application_id' | 'user_version'): number {
  return Number(connection.statement(`PRAGMA ${name}`).pluck().get());
}

/** The schema version of a database, 0 for an empty one. Throws StoreOpenError for another program's database. */
function schemaVersion(connection: SqliteConnection, file: string): number {
  if (pragma(connection, 'application_id') === APPLICATION_ID) return pragma(connection, 'user_version');
  if (connection.statement('SELECT count(*) FROM sqlite_schema').pluck().get() === 0) return 0;
  throw new StoreOpenError(`the store ${file} is another program's database`, 'name another file');
}

/**
 * Throws StoreSchemaError unless the database has this program's schema. With `orNewer` a newer one is fine too: it
 * only added to what a running process knows.
 */
export function checkSchema(connection: SqliteConnection, file: string, orNewer = false): void {
  const found = schemaVersion(connection, file);
  if (found === SCHEMA_VERSION || (orNewer && found > SCHEMA_VERSION)) return;
  let hint = 'start `linkgrant serve` once';
  if (found > SCHEMA_VERSION) {
    const release = connection
      .statement("SELECT value FROM settings WHERE key = 'schema-release'")
      .pluck()
      .get();
    hint = `install linkgrant ${typeof release === 'string' ? `${release} or newer` : 'as new as the one that made it'}`;
  }
  throw new StoreSchemaError(file, { found, wanted: SCHEMA_VERSION }, hint);
}

/**
 * Brings the database to this program's schema, in the transaction that is open; does nothing to one that has it or a newer
 * one. Tells what its ledger lacks since an older release began it. Throws SQLite's own errors.
 */
export function migrateSchema(connection: SqliteConnection, file: string): OlderLedger | undefined {
  const found = schemaVersion(connection, file);
  if (found >= SCHEMA_VERSION) return undefined;
  for (const { release, statements } of MIGRATIONS.slice(found)) {
    for (const sql of statements) connection.statement(sql).run();
    connection
      .statement("INSERT OR REPLACE INTO settings (key, value) VALUES ('schema-release', ?)")
      .run(release);
  }
  connection.statement(`PRAGMA application_id = ${APPLICATION_ID}`).run();
  connection.statement(`PRAGMA user_version = ${SCHEMA_VERSION}`).run();
  return LACKING[found];
}
