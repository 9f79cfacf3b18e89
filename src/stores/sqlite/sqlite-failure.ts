import { primaryCode } from '../../files/sqlite-file.js';
import type { StoreFailure } from '../sql/store-failure.js';
import { StoreOpenError } from '../store-open-error.js';

const BY_PRIMARY_CODE: Readonly<Record<string, StoreFailure>> = {
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
  // Two connections that set up the shared memory of the write-ahead log at once get this; a retry succeeds.
  SQLITE_PROTOCOL: 'busy',
  SQLITE_FULL: 'full',
  SQLITE_NOMEM: 'full',
  SQLITE_READONLY: 'lost',
  SQLITE_CANTOPEN: 'lost',
  SQLITE_IOERR: 'lost',
  SQLITE_PERM: 'lost',
  SQLITE_CORRUPT: 'lost',
  SQLITE_NOTADB: 'lost',
};

/** Returns the kind of failure of an error of the database. */
export function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreOpenError) return 'lost';
  return BY_PRIMARY_CODE[primaryCode(error) ?? ''] ?? 'statement';
}
