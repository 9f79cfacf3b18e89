import type { SqliteConnection } from '../../src/stores/sqlite/sqlite-connection.js';

/** What happens to a commit: see {@link COMMIT_FATES}. */
export type CommitFate = (typeof COMMIT_FATES)[number];

/**
 * `busy`, `full`, `lost`: the transaction fails before it is committed. `in doubt`: the database writes it or rolls it back, and the
 * connection breaks. `late`: the connection breaks, and the database writes it or rolls it back seconds later.
 */
export const COMMIT_FATES = [
  'busy',
  'full',
  'lost',
  'written, in doubt',
  'rolled back, in doubt',
  'written, late',
  'rolled back, late',
  'slow',
] as const;

/** A fault that the commit after the next `skip` ones meets. */
export interface CommitFault {
  readonly fate: CommitFate;
  readonly skip: number;
}

/** Returns an error of SQLite. */
export function sqliteError(code: 'BUSY' | 'FULL' | 'IOERR'): Error {
  return Object.assign(new Error(`simulated ${code}`), { code: `SQLITE_${code}` });
}

/** Returns the connection; with `full` or `lost` one of its next statements fails. */
export function withFault(
  connection: SqliteConnection,
  fate: CommitFate | undefined,
  random: () => number,
): SqliteConnection {
  if (fate !== 'full' && fate !== 'lost') return connection;
  let left = Math.floor(12 * random());
  return {
    ...connection,
    statement: (sql) => {
      left -= 1;
      if (left < 0) throw sqliteError(fate === 'full' ? 'FULL' : 'IOERR');
      return connection.statement(sql);
    },
  };
}
