import type { Actor } from '../../domain/actor.js';
import { storeUnavailable } from '../../domain/redemption-error.js';
import type { LedgerChain } from './ledger/ledger-chain.js';
import { put, type SqlOperation } from './operation.js';
import { type StoreFailure, translateFailure } from './store-failure.js';

/** The dependencies of a write. Each write has its own savepoint. */
export interface WriteContext {
  readonly ledger: LedgerChain;
  /** True if the same write ran before and the outcome of its commit is unknown. */
  readonly isRepeated: boolean;
  /** Rolls back to the savepoint of this write. The write can still return a result. */
  undo(): SqlOperation<void>;
}

/**
 * One write. It must be correct when it is repeated after a commit of unknown outcome. Writes of redemptions and renewals call
 * one generator function of their module: a new generator function for each write would leave garbage in V8's old generation.
 */
export type WriteOperation<T> = (context: WriteContext) => SqlOperation<T>;

/**
 * Returns a write that returns how many rows it changed. A repetition returns at least the count of the runs before, because it
 * may find nothing left to change.
 */
export function countingWrite(operation: WriteOperation<number>): WriteOperation<number> {
  let highest = 0;
  return function* (context) {
    highest = Math.max(highest, yield* operation(context));
    return highest;
  };
}

/**
 * The grant that a write changes, by its uid or by the id of one of its redemptions. The write of a redemption that replaces another
 * one has both, because the two redemptions can have different grants. Writes to the same grant are serialized across all processes:
 * each begins after the one before it is committed.
 */
export interface WriteSubject {
  readonly grantUid?: string;
  readonly redemptionId?: string;
}

/** Why a transaction failed; `inDoubt` if it may have been committed nevertheless. */
export interface CommitFailure {
  readonly error: unknown;
  readonly inDoubt: boolean;
}

/** Commits transactions to one kind of database. */
export interface Committer {
  /**
   * Runs `batch` in a transaction and commits it durably. Returns the failure if there is one. `batch` starts a new run
   * at each call.
   */
  commit(
    batch: (ledger: LedgerChain) => SqlOperation<void>,
    subjects: readonly WriteSubject[],
  ): CommitFailure | undefined | Promise<CommitFailure | undefined>;
  failureOf(error: unknown): StoreFailure;
  /** Whether a lost connection is retried until the deadline, and not only once. */
  readonly retriesLostConnection: boolean;
  /** Minimum time between two commits in milliseconds, so that under load one sync covers several writes. */
  readonly batchIntervalMs: number;
  /** Maximum number of writes in a transaction. Bounds how long one transaction delays others. */
  readonly maxBatchSize: number;
}

/** Runs writes, several in one transaction. */
export interface GroupCommit {
  /**
   * Resolves with the operation's result once it is durable. Rejects with `store_unavailable`, or the operation's own
   * error. The operation's ledger entries name the `actor`, if there is one.
   */
  write<T>(operation: WriteOperation<T>, subject?: WriteSubject, actor?: Actor): Promise<T>;
  /** Resolves when every write is settled. Rejects new writes from now on. */
  finish(): Promise<void>;
}

interface PendingWrite {
  readonly deadline: number;
  readonly subject: WriteSubject;
  readonly actor: Actor | undefined;
  readonly run: (context: WriteContext) => SqlOperation<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  isRepeated: boolean;
  /** True after a lost connection, while the write is retried on a new one. */
  isReconnected: boolean;
  /** The error that the write itself has thrown; its transaction was committed without the write. */
  failure: { readonly error: unknown } | undefined;
}

/**
 * Starts a queue of writes. A write waits until `batchIntervalMs` have passed since the last commit. Transient failures are
 * retried for `deadlineMs`.
 */
export function startGroupCommit(committer: Committer, deadlineMs: number): GroupCommit {
  const { failureOf, batchIntervalMs } = committer;
  const queue: PendingWrite[] = [];
  const finished: (() => void)[] = [];
  let isScheduled = false;
  let isFinishing = false;
  let lastCommit = Number.NEGATIVE_INFINITY;

  function schedule(delayMs: number): void {
    if (isScheduled) return;
    isScheduled = true;
    if (delayMs > 0) setTimeout(() => void flush(), delayMs);
    else setImmediate(() => void flush());
  }

  async function flush(): Promise<void> {
    const batch = queue.splice(0, committer.maxBatchSize);
    const failed = await committer.commit(
      (ledger) => workOf(batch, ledger, failureOf),
      batch.map(({ subject }) => subject),
    );
    let delayMs = batchIntervalMs;
    if (!failed) {
      lastCommit = performance.now();
      for (const write of batch) {
        if (write.failure) write.reject(translateFailure(write.failure.error, failureOf));
        else write.resolve();
      }
    } else {
      delayMs = retryOrReject(batch, failed);
    }
    isScheduled = false;
    if (queue.length > 0) schedule(delayMs);
    else for (const resolve of finished.splice(0)) resolve();
  }

  /**
   * Requeues writes that may still succeed and rejects the others. Returns the delay of the next attempt in milliseconds.
   */
  function retryOrReject(batch: readonly PendingWrite[], { error, inDoubt }: CommitFailure): number {
    const failure = failureOf(error);
    const now = performance.now();
    const again: PendingWrite[] = [];
    for (const write of batch) {
      write.isRepeated ||= inDoubt;
      // The connection may have been opened while the disk was read-only: retry once on a new connection.
      const reconnects = failure === 'lost' && !write.isReconnected;
      write.isReconnected ||= reconnects;
      const isTransient =
        failure === 'busy' || write.isRepeated || (failure === 'lost' && committer.retriesLostConnection);
      if (reconnects || (isTransient && now < write.deadline)) again.push(write);
      else if (write.isRepeated)
        write.reject(storeUnavailable('the outcome of the commit is unknown', error));
      else write.reject(translateFailure(error, failureOf));
    }
    queue.unshift(...again);
    return failure === 'busy' ? 1 + Math.random() * 9 : 20 + Math.random() * 30;
  }

  return {
    write(operation, subject = {}, actor) {
      if (isFinishing) return Promise.reject(storeUnavailable('the store is closed'));
      return new Promise((resolve, reject) => {
        let settle = (): void => undefined;
        queue.push({
          deadline: performance.now() + deadlineMs,
          subject,
          actor,
          run: (context) =>
            runWrite(operation, context, (result) => {
              settle = () => resolve(result);
            }),
          resolve: () => settle(),
          reject,
          isRepeated: false,
          isReconnected: false,
          failure: undefined,
        });
        schedule(lastCommit + batchIntervalMs - performance.now());
      });
    },
    finish() {
      isFinishing = true;
      const isIdle = queue.length === 0 && !isScheduled;
      return isIdle ? Promise.resolve() : new Promise((resolve) => finished.push(resolve));
    },
  };
}

function* runWrite<T>(
  operation: WriteOperation<T>,
  context: WriteContext,
  onResult: (result: T) => void,
): SqlOperation<void> {
  onResult(yield* operation(context));
}

/** Runs the writes one after the other, then writes their additions to the ledger. */
function* workOf(
  batch: readonly PendingWrite[],
  ledger: LedgerChain,
  failureOf: Committer['failureOf'],
): SqlOperation<void> {
  for (const write of batch) yield* runOne(write, ledger, failureOf);
  yield* ledger.settle();
}

function* runOne(
  write: PendingWrite,
  ledger: LedgerChain,
  failureOf: Committer['failureOf'],
): SqlOperation<void> {
  const undo = (): SqlOperation<void> => undoOne(ledger);
  ledger.setActor(write.actor);
  yield* put('SAVEPOINT operation');
  try {
    yield* write.run({ ledger, isRepeated: write.isRepeated, undo });
    write.failure = undefined;
  } catch (error) {
    // After a failure of the database itself the whole transaction is lost.
    if (failureOf(error) !== 'statement') throw error;
    yield* undo();
    write.failure = { error };
  }
  yield* put('RELEASE operation');
  ledger.releaseSavepoint();
}

function* undoOne(ledger: LedgerChain): SqlOperation<void> {
  yield* put('ROLLBACK TO operation');
  ledger.rollbackToSavepoint();
}
