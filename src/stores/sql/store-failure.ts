import { RedemptionError } from '../../domain/redemption-error.js';
import { LedgerKeyError } from '../ledger-key.js';
import { StoreOpenError } from '../store-open-error.js';

/**
 * What a failure says about the database: `busy` another one is in the way for now, `full` no room (heals by itself),
 * `lost` this connection is of no further use, `statement` one statement was wrong and the rest goes on.
 */
export type StoreFailure = 'busy' | 'full' | 'lost' | 'statement';

/** What a caller is told when the store could not answer. */
export function storeUnavailable(message: string, cause?: unknown): RedemptionError {
  return new RedemptionError('store_unavailable', message, { cause });
}

/** The error that leaves the store for an error that came up in it. */
export function translateFailure(error: unknown, failureOf: (error: unknown) => StoreFailure): Error {
  if (error instanceof RedemptionError || error instanceof RangeError || error instanceof LedgerKeyError) {
    return error;
  }
  if (error instanceof StoreOpenError) return storeUnavailable(error.message, error);
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
