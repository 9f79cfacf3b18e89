import type { Checkpoint } from '../../redemption/clock.js';
import type { SqliteConnection } from './connection.js';
import type { SqliteSession } from './session.js';
import { failureOf, primaryCode, storeUnavailable, translateFailure } from './sqlite-failure.js';

/** What a write operation works with, inside a savepoint of its own. */
export interface WriteContext {
  readonly connection: SqliteConnection;
  /** True when the same operation ran before and nobody knows whether its commit succeeded. */
  readonly repeated: boolean;
  /** Takes back all that this operation has written; what it returns is still its result. */
  undo(): void;
}

/** One write: synchronous, and right when it is run again after a commit of unknown outcome. */
export type WriteOperation<T> = (context: WriteContext) => T;

/** Runs writes, many to a transaction. */
export interface GroupCommit {
  /** The operation's result, once it is durable. Rejects with `store_unavailable`, or what the operation threw. */
  write<T>(operation: WriteOperation<T>): Promise<T>;
  /** Resolves when every write is settled; no more are taken from now on. */
  finish(): Promise<void>;
}

interface PendingWrite {
  readonly deadline: number;
  readonly run: (context: WriteContext) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  repeated: boolean;
  /** True once it met a lost connection, and is tried again on a new one. */
  reconnected: boolean;
  failure: { readonly error: unknown } | undefined;
}

// Under load, commits are this far apart, so that one sync carries several writes; a lone write waits for nothing.
const GATHER_MS = 8;
// Bounds how long one transaction holds the event loop and the other processes.
const LARGEST_BATCH = 256;

/** Starts a queue of writes into the session's database; a write is answered after `deadlineMs` at the latest. */
export function startGroupCommit(
  session: SqliteSession,
  options: { readonly deadlineMs: number; readonly checkpoint: Checkpoint | undefined },
): GroupCommit {
  const { deadlineMs, checkpoint } = options;
  const queue: PendingWrite[] = [];
  const finished: (() => void)[] = [];
  let scheduled = false;
  let finishing = false;
  let lastCommit = Number.NEGATIVE_INFINITY;

  function schedule(delayMs: number): void {
    if (scheduled) return;
    scheduled = true;
    if (delayMs > 0) setTimeout(flush, delayMs);
    else setImmediate(flush);
  }

  function runOne(connection: SqliteConnection, write: PendingWrite): void {
    connection.statement('SAVEPOINT operation').run();
    try {
      write.run({
        connection,
        repeated: write.repeated,
        undo: () => rollBackTo(connection),
      });
      write.failure = undefined;
    } catch (error) {
      // A failure of the database itself takes the whole transaction with it.
      if (failureOf(error) !== 'statement' || !connection.inTransaction()) throw error;
      rollBackTo(connection);
      write.failure = { error };
    }
    connection.statement('RELEASE operation').run();
    connection.ledger.keep();
  }

  function rollBackTo(connection: SqliteConnection): void {
    connection.statement('ROLLBACK TO operation').run();
    connection.ledger.drop();
  }

  function rollBack(connection: SqliteConnection): void {
    connection.ledger.forget();
    try {
      if (connection.inTransaction()) connection.statement('ROLLBACK').run();
    } catch (error) {
      session.noteFailure(error);
    }
  }

  /** Commits the batch; what it throws is marked by whether the commit itself was reached. */
  function commit(
    batch: readonly PendingWrite[],
  ): { readonly error: unknown; readonly inDoubt: boolean } | undefined {
    let connection: SqliteConnection | undefined;
    let committing = false;
    try {
      connection = session.connectToCurrent();
      connection.statement('BEGIN IMMEDIATE').run();
      for (const write of batch) runOne(connection, write);
      connection.ledger.settle();
      committing = true;
      checkpoint?.('before-commit');
      connection.statement('COMMIT').run();
      checkpoint?.('after-commit');
      return undefined;
    } catch (error) {
      if (connection) rollBack(connection);
      session.noteFailure(error);
      // These codes mean that nothing was written. After anything else (a failed sync) the transaction may come back
      // when the log is next recovered.
      const known = ['SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'];
      return { error, inDoubt: committing && !known.includes(primaryCode(error) ?? '') };
    }
  }

  function flush(): void {
    scheduled = false;
    const batch = queue.splice(0, LARGEST_BATCH);
    const failed = commit(batch);
    let delayMs = GATHER_MS;
    if (!failed) {
      lastCommit = performance.now();
      for (const write of batch) {
        if (write.failure) write.reject(translateFailure(write.failure.error));
        else write.resolve();
      }
    } else {
      delayMs = retryOrReject(batch, failed.error, failed.inDoubt);
    }
    if (queue.length > 0) schedule(delayMs);
    else for (const resolve of finished.splice(0)) resolve();
  }

  /** Puts back what may still succeed, rejects the rest, and tells when to try again, in milliseconds. */
  function retryOrReject(batch: readonly PendingWrite[], error: unknown, inDoubt: boolean): number {
    const failure = failureOf(error);
    const now = performance.now();
    const again: PendingWrite[] = [];
    for (const write of batch) {
      write.repeated ||= inDoubt;
      // The connection may have been opened while the disk was read-only: one more try shows whether it still is.
      const reconnects = failure === 'lost' && !write.reconnected;
      write.reconnected ||= reconnects;
      if (reconnects || ((failure === 'busy' || write.repeated) && now < write.deadline)) again.push(write);
      else if (write.repeated) write.reject(storeUnavailable('the outcome of the commit is unknown', error));
      else write.reject(translateFailure(error));
    }
    queue.unshift(...again);
    return failure === 'busy' ? 1 + Math.random() * 9 : 20 + Math.random() * 30;
  }

  return {
    write(operation) {
      if (finishing) return Promise.reject(storeUnavailable('the store is closed'));
      return new Promise((resolve, reject) => {
        let settle = (): void => undefined;
        queue.push({
          deadline: performance.now() + deadlineMs,
          run: (context) => {
            const result = operation(context);
            settle = () => resolve(result);
          },
          resolve: () => settle(),
          reject,
          repeated: false,
          reconnected: false,
          failure: undefined,
        });
        schedule(lastCommit + GATHER_MS - performance.now());
      });
    },
    finish() {
      finishing = true;
      return queue.length === 0 ? Promise.resolve() : new Promise((resolve) => finished.push(resolve));
    },
  };
}
