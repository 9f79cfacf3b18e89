import type { Migration } from './migration.js';

/** The parts of the schema that differ between SQL databases. */
export interface SchemaDialect {
  /** What replaces the words BIGINT, BYTEA, JSON and TEXT in all statements for this database. */
  readonly typeNames: Readonly<Record<string, string>>;
  /** Definition of the primary key of table `redemptions`. */
  readonly redemptionKey: string;
  /** Statements that create indexes for listing redemptions in commit order. */
  readonly redemptionIndexes: readonly string[];
  /** Returns the options of a table, which follow its columns. */
  optionsOf(table: string): string;
}

/**
 * Returns the steps from an empty database to the current schema. The schema version is the number of steps that were run. A
 * later step only adds tables, columns and indexes, because the previous release may still be running on the same database.
 */
export function schemaMigrations(dialect: SchemaDialect): readonly Migration[] {
  const { typeNames, redemptionKey, redemptionIndexes, optionsOf } = dialect;
  const steps: readonly Migration[] = [
    {
      release: '0.1.0',
      statements: [
        `CREATE TABLE grants (
          uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,
          code_hash BYTEA NOT NULL, code_chosen BIGINT NOT NULL,
          redemptions_allowed BIGINT NOT NULL, redemptions BIGINT NOT NULL,
          window_ms BIGINT NOT NULL, expires_at BIGINT, issuer TEXT, policy TEXT NOT NULL,
          created_at BIGINT NOT NULL, ready_at BIGINT, revoked_at BIGINT, source_file TEXT,
          labels TEXT NOT NULL, note TEXT
        )`,
        'CREATE UNIQUE INDEX grants_by_name ON grants (namespace, name)',
        'CREATE INDEX grants_without_end ON grants (uid) WHERE expires_at IS NULL',
        'CREATE INDEX grants_declared ON grants (namespace, name) WHERE source_file IS NOT NULL',
        'CREATE INDEX grants_expired ON grants (expires_at) WHERE source_file IS NULL AND expires_at IS NOT NULL',
        'CREATE INDEX grants_revoked ON grants (revoked_at) WHERE source_file IS NULL AND revoked_at IS NOT NULL',
        // SQLite lists redemptions in the order of the rowid, which is the order of commits, so no row is added to a page that
        // was read before. PostgreSQL lists them in the order of their entries in the ledger.
        `CREATE TABLE redemptions (
          ${redemptionKey}, grant_uid TEXT NOT NULL, replay_key TEXT NOT NULL, mode TEXT NOT NULL,
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
        // row of the redemption repeats number, time, end, peer and CA of the last renewal, so that listing links reads one
        // table.
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
          position BIGINT PRIMARY KEY CHECK (position > 0),
          grant_uid TEXT CHECK ((grant_uid IS NULL) = (seq IS NULL)), seq BIGINT CHECK (seq > 0),
          at BIGINT CHECK ((at IS NULL) = (seq IS NULL)), kind TEXT CHECK ((kind IS NULL) = (seq IS NULL)),
          redemption_id TEXT CHECK (redemption_id IS NULL OR seq IS NOT NULL),
          detail JSON CHECK (detail IS NULL OR seq IS NOT NULL), mac BYTEA NOT NULL
        )`,
        'CREATE UNIQUE INDEX events_of_grant ON events (grant_uid, seq)',
        // Listings of the ledger are in the order of time. With `events_of_grant` alone, a page of a grant would sort all its entries:
        // for 60,000 entries SQLite then blocks the service for 0.3 s.
        'CREATE INDEX events_by_time ON events (at, position)',
        'CREATE INDEX events_of_grant_by_time ON events (grant_uid, at, position)',
        ...redemptionIndexes,
        // Without this index, reading the entries of a redemption would scan the whole table.
        'CREATE INDEX events_of_redemption ON events (redemption_id) WHERE redemption_id IS NOT NULL',
        `CREATE TABLE refusals (
          grant_uid TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
          peer TEXT NOT NULL, jti TEXT, count BIGINT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,
          mac BYTEA,
          PRIMARY KEY (grant_uid, code, name, subject, peer)
        )`,
        'CREATE INDEX refusals_by_time ON refusals (last_at)',
        // Requests with a wrong code. They are not in the ledger: anyone who knows the uid of a grant can send them.
        `CREATE TABLE wrong_codes (
          grant_uid TEXT PRIMARY KEY, count BIGINT NOT NULL, last_at BIGINT NOT NULL, last_peer TEXT NOT NULL
        )`,
        'CREATE INDEX wrong_codes_last ON wrong_codes (last_at)',
        // The number of writes, of entries, of removed ones, and of refusals, and the set of the removed positions, with a MAC
        // under a key that is not in the database.
        `CREATE TABLE ledger_end (
          id BIGINT PRIMARY KEY CHECK (id = 1), writes BIGINT NOT NULL, position BIGINT NOT NULL, removed BIGINT NOT NULL,
          removed_set BYTEA NOT NULL, refusals BIGINT NOT NULL, mac BYTEA NOT NULL
        )`,
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
  const adapt = (sql: string): string =>
    sql
      .replace(/\b(?:BIGINT|BYTEA|JSON|TEXT)\b/g, (type) => typeNames[type] ?? type)
      .replace(/^CREATE TABLE (\w+)[\s\S]*/, (definition, table) => `${definition} ${optionsOf(table)}`);
  return steps.map(({ release, statements }) => ({ release, statements: statements.map(adapt) }));
}
