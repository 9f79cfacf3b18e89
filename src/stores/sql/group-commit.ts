import type { LedgerChain } from './ledger-chain.js';
import { put, type SqlOperation } from './operation.js';
import { type StoreFailure, storeUnavailable, translateFailure } from './store-failure.js';

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

/** Why a transaction came to nothing, and whether it may have been committed all the same. */
export interface CommitFailure {
  readonly error: unknown;
  readonly inDoubt: boolean;
}

/** How a database commits. */
export interface Committer {
  /**
   * Does the work of `batch` in a transaction and commits it durably; what went wrong if that failed. The work begins
   * anew with each call.
   */
  commit(
    batch: (ledger: LedgerChain) => SqlOperation<void>,
    subjects: readonly WriteSubject[],
  ): CommitFailure | undefined | Promise<CommitFailure | undefined>;
  failureOf(error: unknown): StoreFailure;
  /** Whether a lost connection is looked for until the deadline, in place of once. */
  readonly retriesLostConnection: boolean;
  /** Under load, commits are this far apart in milliseconds, so that one sync carries several writes. */
  readonly batchIntervalMs: number;
  /** Bounds how long one transaction keeps others waiting. */
  readonly maxBatchSize: number;
}

/** Runs writes, many to a transaction. */
export interface GroupCommit {
  /** The operation's result, once it is durable. Rejects with `store_unavailable`, or what the operation threw. */
  write<T>(operation: WriteOperation<T>, subject?: WriteSubject): Promise<T>;
  /** Resolves when every write is settled; no more are taken from now on. */
  finish(): Promise<void>;
}

interface PendingWrite {
  readonly deadline: number;
  readonly subject: WriteSubject;
  readonly run: (context: WriteContext) => SqlOperation<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  isRepeated: boolean;
  /** True once it met a lost connection, and is tried again on a new one. */
  isReconnected: boolean;
  failure: { readonly error: unknown } | undefined;
}

/** Starts a queue of writes; a lone one waits for nothing, and each is answered after `deadlineMs` at the latest. */
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

  /** Puts back what may still succeed, rejects the rest, and tells when to try again, in milliseconds. */
  function retryOrReject(batch: readonly PendingWrite[], { error, inDoubt }: CommitFailure): number {
    const failure = failureOf(error);
    const now = performance.now();
    const again: PendingWrite[] = [];
    for (const write of batch) {
      write.isRepeated ||= inDoubt;
      // The connection may have been opened while the disk was read-only: one more try shows whether it still is.
      const reconnects = failure === 'lost' && !write.isReconnected;
      write.isReconnected ||= reconnects;
      const isPassing =
        failure === 'busy' || write.isRepeated || (failure === 'lost' && committer.retriesLostConnection);
      if (reconnects || (isPassing && now < write.deadline)) again.push(write);
      else if (write.isRepeated)
        write.reject(storeUnavailable('the outcome of the commit is unknown', error));
      else write.reject(translateFailure(error, failureOf));
    }
    queue.unshift(...again);
    return failure === 'busy' ? 1 + Math.random() * 9 : 20 + Math.random() * 30;
  }

  return {
    write(operation, subject = {}) {
      if (isFinishing) return Promise.reject(storeUnavailable('the store is closed'));
      return new Promise((resolve, reject) => {
        let settle = (): void => undefined;
        queue.push({
          deadline: performance.now() + deadlineMs,
          subject,
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
  note: (result: T) => void,
): SqlOperation<void> {
  note(yield* operation(context));
}

/** The writes one after the other, and then what they add to the ledger. */
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
  yield* put('SAVEPOINT operation');
  try {
    yield* write.run({ ledger, isRepeated: write.isRepeated, undo });
    write.failure = undefined;
  } catch (error) {
    // A failure of the database itself takes the whole transaction with it.
    if (failureOf(error) !== 'statement') throw error;
    yield* undo();
    write.failure = { error };
  }
  yield* put('RELEASE operation');
  ledger.keep();
}

function* undoOne(ledger: LedgerChain): SqlOperation<void> {
  yield* put('ROLLBACK TO operation');
  ledger.drop();
}
