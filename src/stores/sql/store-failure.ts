import { AdministrationError } from '../../domain/administration-error.js';
import { RedemptionError, storeUnavailable } from '../../domain/redemption-error.js';
import { LedgerKeyError } from '../ledger-key.js';
import { StandbyError, StoreOpenError } from '../store-open-error.js';

/**
 * The kind of a database failure: `busy` another transaction holds a lock; `full` no disk space or memory, the connection
 * can be used again later; `lost` the connection cannot be used any more; `statement` only that statement failed.
 */
export type StoreFailure = 'busy' | 'full' | 'lost' | 'statement';

/** Returns the error that the store rejects with for an error of its database. */
export function translateFailure(error: unknown, failureOf: (error: unknown) => StoreFailure): Error {
  const isFinal =
    error instanceof RedemptionError ||
    error instanceof AdministrationError ||
    error instanceof RangeError ||
    error instanceof LedgerKeyError;
  if (isFinal) return error;
  // Without the cause: if the cause is a StoreOpenError, commands do not suggest to try again.
  if (error instanceof StandbyError) return storeUnavailable(error.message);
  if (error instanceof StoreOpenError) return storeUnavailable(error.message, error);
  switch (failureOf(error)) {
    case 'busy':
      return storeUnavailable('the store is busy', error);
    case 'full':
      return storeUnavailable('the store has no free disk space or memory', error);
    case 'lost':
      return storeUnavailable('the store cannot be read or written', error);
    case 'statement':
      return new RedemptionError('internal', 'the store refused a statement', { cause: error });
  }
}
