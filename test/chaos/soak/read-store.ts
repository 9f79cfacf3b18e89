import { DatabaseSync } from 'node:sqlite';
import type { StoredRound } from './check-round.js';

function withStore<T>(file: string, read: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** Reads what an SQLite store has about these grants. Throws while the service does not run. */
export function readRound(file: string, grants: readonly string[]): StoredRound {
  return withStore(file, (database) => {
    const marks = grants.map(() => '?').join(', ');
    const rows = (columns: string, table: string, uid: string) =>
      database
        .prepare(`SELECT ${columns} FROM ${table} WHERE ${uid} IN (${marks})`)
        .all(...grants) as never[];
    return {
      redemptions: rows('grant_uid, jti, key_sha256, certificate_sha256', 'redemptions', 'grant_uid'),
      grants: rows('uid AS grant_uid, redemptions_allowed AS uses, redemptions AS used', 'grants', 'uid'),
      codes: rows('grant_uid, jti, uses, used', 'codes', 'grant_uid'),
    };
  });
}

/** Returns the number of records in an SQLite store. */
export function countRecords(file: string): number {
  return withStore(file, (database) =>
    Number(database.prepare('SELECT count(*) AS count FROM redemptions').get()?.count),
  );
}
