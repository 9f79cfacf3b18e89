import type { LedgerChain } from './ledger-chain.js';
import type { SqlOperation } from './operation.js';

/** What a write works with, inside a savepoint of its own. */
export interface WriteContext {
  readonly ledger: LedgerChain;
  /** True when the same write ran before and nobody knows whether its commit succeeded. */
  readonly isRepeated: boolean;
  /** Takes back all that this write has done; what it returns is still its result. */
  undo(): SqlOperation<void>;
}

/**
 * One write, right also when it is done again after a commit of unknown outcome. What records redemptions and renewals calls a
 * generator function of its module; one made for each of them would leave garbage that only a full collection takes.
 */
export type WriteOperation<T> = (context: WriteContext) => SqlOperation<T>;

/**
 * What a write is about. Of two writes that are about the same grant one is done after the other was committed, in whatever
 * process; a redemption stands for its grant.
 */
export interface WriteSubject {
  readonly grantUid?: string;
  readonly redemptionId?: string;
}
