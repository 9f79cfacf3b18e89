import { setTimeout as sleep } from 'node:timers/promises';
import { storeUnavailable } from '../../domain/redemption-error.js';
import { primaryCode } from '../../files/sqlite-file.js';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import { SerialQueue } from '../../time/serial-queue.js';
import type { HighWaterMarks } from '../high-water-marks.js';
import { type CommitFailure, startGroupCommit } from '../sql/group-commit.js';
import type { LedgerChain } from '../sql/ledger/ledger-chain.js';
import type { SqlDialect, SqlOperation } from '../sql/operation.js';
import type { SqlDatabase } from '../sql/sql-database.js';
import { translateFailure } from '../sql/store-failure.js';
import { indexProblem, schemaProblem } from './file-problems.js';
import type { SqliteSession } from './session.js';
import { runOperation, runYielding, type SqliteConnection } from './sqlite-connection.js';
import { failureOf } from './sqlite-failure.js';

/** The SQL for SQLite where SQLite and PostgreSQL differ. */
export const SQLITE: SqlDialect = {
  redemptionParts: { from: 'redemptions r', position: 'r.position', grantUid: 'r.grant_uid' },
  contains: (text) => `instr(lower(${text}), ?) > 0`,
  schemaProblem,
  indexProblem,
};
// Verification reads rows from all parts of large tables.
const VERIFICATION_CACHE_KIB = 65_536;
const DEFAULT_CACHE_KIB = 2_000;
// These codes mean that nothing was written. After any other failure, such as a failed sync, the transaction may reappear
// when the WAL is recovered.
const NOTHING_WRITTEN = ['SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'];

/** Implements the SqlDatabase on an open session: synchronous reads, writes by group commit. */
export function sqliteDatabase(
  session: SqliteSession,
  marks: HighWaterMarks,
  options: { readonly checkpoint: Checkpoint | undefined; readonly deadlineMs: number },
): SqlDatabase {
  const { checkpoint, deadlineMs } = options;
  const { write, finish } = startGroupCommit(
    {
      commit: (batch) => commit(session, batch, checkpoint),
      failureOf,
      retriesLostConnection: false,
      // A commit takes 0.6 ms of processor time, each of its writes 0.08 ms.
      batchIntervalMs: 8,
      // Bounds how long one transaction blocks the event loop and other processes.
      maxBatchSize: 256,
    },
    deadlineMs,
  );
  let closing: Promise<void> | undefined;
  let walContainsErasedRows = false;
  // Snapshots share the connection `reader`, so they are read one after the other.
  const snapshots = new SerialQueue();
  let reader: SqliteConnection | undefined;

  const requireOpen = (): void => {
    if (closing) throw storeUnavailable('the store is closed');
  };

  const writeMark = (): void => {
    try {
      const connection = session.connect();
      runOperation(connection, connection.ledger.writeHighWaterMark());
    } catch (error) {
      // The mark stays as it is: an older one detects less.
      session.closeIfLost(error);
    }
  };
  marks.onDue = writeMark;

  async function queryOnReader<T>(query: (ledger: LedgerChain) => SqlOperation<T>): Promise<T> {
    requireOpen();
    try {
      if (!reader?.isCurrent()) {
        reader?.close();
        reader = undefined;
        reader = session.connectAnother();
      }
      return await runInSnapshot(reader, query, requireOpen);
    } catch (error) {
      reader?.close();
      reader = undefined;
      throw translateFailure(error, failureOf);
    }
  }

  async function readWithRetry<T>(query: (connection: SqliteConnection) => T): Promise<T> {
    requireOpen();
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      try {
        return query(session.connect());
      } catch (error) {
        session.closeIfLost(error);
        if (failureOf(error) !== 'busy' || performance.now() >= deadline)
          throw translateFailure(error, failureOf);
      }
      await sleep(1 + Math.random() * 9);
    }
  }

  return {
    dialect: SQLITE,
    read: (query) => readWithRetry((connection) => runOperation(connection, query(connection.ledger))),
    readSnapshot: (query) => snapshots.enqueue(() => queryOnReader(query)),
    write,
    afterErasing(erasedCount) {
      if (erasedCount > 0) walContainsErasedRows = true;
      if (walContainsErasedRows) walContainsErasedRows = !truncateWal(session);
    },
    close() {
      const closeReader = async () => reader?.close();
      closing ??= Promise.all([finish(), snapshots.enqueue(closeReader)]).then(() => {
        if (!marks.isWritten) writeMark();
        session.close();
      });
      return closing;
    },
  };
}

/**
 * Reads one snapshot; other work of the process runs between the statements. Rejects with the error of `requireOpen`, which is
 * called after such work. If this function rejects, the connection must be closed: SQLite may have ended the transaction already,
 * so a ROLLBACK could fail and hide the cause.
 */
async function runInSnapshot<T>(
  connection: SqliteConnection,
  query: (ledger: LedgerChain) => SqlOperation<T>,
  requireOpen: () => void,
): Promise<T> {
  connection.statement('BEGIN').run();
  connection.statement(`PRAGMA cache_size = ${-VERIFICATION_CACHE_KIB}`).run();
  const result = await runYielding(connection, query(connection.ledger), requireOpen);
  connection.statement('ROLLBACK').run();
  connection.statement(`PRAGMA cache_size = ${-DEFAULT_CACHE_KIB}`).run();
  return result;
}

/** Truncates the WAL, which can contain erased rows. Returns false if another connection or an I/O error prevented it. */
function truncateWal(session: SqliteSession): boolean {
  try {
    return session.connect().truncateWal();
  } catch (error) {
    session.closeIfLost(error);
    return false;
  }
}

function commit(
  session: SqliteSession,
  batch: (ledger: LedgerChain) => SqlOperation<void>,
  checkpoint: Checkpoint | undefined,
): CommitFailure | undefined {
  let connection: SqliteConnection | undefined;
  let isCommitting = false;
  let isCommitted = false;
  try {
    connection = session.connectToCurrent();
    connection.statement('BEGIN IMMEDIATE').run();
    runOperation(connection, batch(connection.ledger));
    isCommitting = true;
    checkpoint?.('before-commit');
    connection.statement('COMMIT').run();
    isCommitted = true;
    checkpoint?.('after-commit');
    return undefined;
  } catch (error) {
    if (connection) rollBack(session, connection);
    session.closeIfLost(error);
    return { error, inDoubt: isCommitting && !NOTHING_WRITTEN.includes(primaryCode(error) ?? '') };
  } finally {
    connection?.ledger.endTransaction(isCommitted);
  }
}

function rollBack(session: SqliteSession, connection: SqliteConnection): void {
  try {
    if (connection.inTransaction()) connection.statement('ROLLBACK').run();
  } catch (error) {
    session.closeIfLost(error);
  }
}
