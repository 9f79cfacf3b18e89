import { RedemptionError } from '../../domain/redemption-error.js';
import { LedgerKeyError } from '../ledger-key.js';
import { StoreOpenError } from '../store-open-error.js';

/**
 * What a failure says about the database: `busy` another connection writes, `full` no room (heals by itself),
 * `lost` this connection is of no further use, `statement` one statement was wrong and the rest goes on.
 */
export type SqliteFailure = 'busy' | 'full' | 'lost' | 'statement';

const BY_PRIMARY_CODE: Readonly<Record<string, SqliteFailure>> = {
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
  // Two connections that set up the shared memory of the log at once get this; trying again is the cure.
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

/** SQLite's primary result code of an error (`SQLITE_IOERR`), undefined for an error that is not SQLite's. */
export function primaryCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^SQLITE_[A-Z]+/.exec(error.code)?.[0];
}

/** Sorts an error that came up while the database was used. */
export function failureOf(error: unknown): SqliteFailure {
  if (error instanceof StoreOpenError) return 'lost';
  return BY_PRIMARY_CODE[primaryCode(error) ?? ''] ?? 'statement';
}

/** What a caller is told when the store could not answer. */
export function storeUnavailable(message: string, cause?: unknown): RedemptionError {
  return new RedemptionError('store_unavailable', message, { cause });
}

/** The error that leaves the store for an error that came up in it. */
export function translateFailure(error: unknown): Error {
  if (error instanceof RedemptionError || error instanceof RangeError || error instanceof LedgerKeyError) {
    return error;
  }
  switch (failureOf(error)) {
    case 'busy':
      return storeUnavailable('the store is busy', error);
    case 'full':
      return storeUnavailable('the store has no room', error);
    case 'lost':
      return storeUnavailable('the store cannot be read or written', error);
    case 'statement':
      return new RedemptionError('internal', 'the store refused a statement', { cause: error });
  }
}
