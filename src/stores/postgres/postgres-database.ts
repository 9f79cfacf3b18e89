import type { Checkpoint } from '../../redemption/ports/clock.js';
import type { HighWaterMarks } from '../high-water-marks.js';
import type { LedgerKeyFile } from '../ledger-key.js';
import {
  type CommitFailure,
  type Committer,
  startGroupCommit,
  type WriteSubject,
} from '../sql/group-commit.js';
import { LedgerChain } from '../sql/ledger-chain.js';
import { put, type SqlDialect, type SqlOperation } from '../sql/operation.js';
import type { SqlDatabase } from '../sql/sql-grant-store.js';
import { storeUnavailable, translateFailure } from '../sql/store-failure.js';
import type { PostgresConnection, PostgresConnections } from './connections.js';
import { ConnectionLostError, failureOf, isRolledBack } from './postgres-failure.js';
import { OperationRunner } from './run-operation.js';

// Numbers of the ledger are given out in the order of the commits, which those of a sequence are not.
const REDEEMED = `SELECT r.*, e.position FROM events e JOIN redemptions r ON r.id = e.redemption_id
  WHERE e.kind = 'redeemed'`;
/** How PostgreSQL says it. */
export const POSTGRES: SqlDialect = {
  forUpdate: ' FOR UPDATE',
  redemptions: `${REDEEMED} AND e.position > ? AND r.created_at >= ? ORDER BY e.position LIMIT ?`,
  redemptionsOfGrant: `${REDEEMED} AND e.grant_uid = ? AND e.position > ? AND r.created_at >= ?
    ORDER BY e.position LIMIT ?`,
};
// Whatever the server, the database, the role or a pooler has set.
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on';
// The server's own time-out would end the wait for a synchronous standby, and report a commit that is not on it.
const COMMIT = 'SET LOCAL statement_timeout = 0; COMMIT';
const SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0';
// One turn after the other for each grant, in an order that all keep to, so that nobody waits in a circle. Grants of
// redemptions are looked up one by one: a plan made for an empty table would read the whole of it for a list.
const LOCK_GRANTS = `WITH keys AS MATERIALIZED (SELECT hashtextextended(uid, 0) AS key FROM (
      SELECT unnest(CAST(? AS text[])) AS uid UNION
      SELECT (SELECT grant_uid FROM redemptions WHERE id = asked.id)
      FROM unnest(CAST(? AS text[])) AS asked (id)) AS subjects ORDER BY 1)
  SELECT pg_advisory_xact_lock(key) FROM keys`;

/** A PostgreSQL database: reads side by side, writes by group commit on one connection. */
export function postgresDatabase(
  { readers, writer }: { readonly readers: PostgresConnections; readonly writer: PostgresConnections },
  ledgerKey: LedgerKeyFile,
  notes: HighWaterMarks,
  options: { readonly checkpoint: Checkpoint | undefined; readonly deadlineMs: number },
): SqlDatabase {
  const ledger = new LedgerChain(ledgerKey, notes, POSTGRES.forUpdate);
  const { write, finish } = startGroupCommit(
    {
      commit: (batch, subjects) => commit(writer, ledger, batch, subjects, options.checkpoint),
      failureOf,
      retriesLostConnection: true,
      batchIntervalMs: 0,
      maxBatchSize: 64,
    } satisfies Committer,
    options.deadlineMs,
  );
  let closing: Promise<void> | undefined;

  async function use<T>(query: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    if (closing) throw storeUnavailable('the store is closed');
    try {
      return await readers.useAgain(query);
    } catch (error) {
      throw translateFailure(error, failureOf);
    }
  }

  return {
    dialect: POSTGRES,
    read: (query) => use((connection) => new OperationRunner(connection).run(query(ledger))),
    readAtOnce: (query) => use((connection) => runInSnapshot(connection, query(ledger))),
    write,
    // The server keeps what was erased in its log and its dead rows until it tidies up; nothing here can help that.
    afterErasing: () => undefined,
    close() {
      closing ??= finish().then(async () => {
        await Promise.all([readers.close(), writer.close()]);
      });
      return closing;
    },
  };
}

async function runInSnapshot<T>(connection: PostgresConnection, query: SqlOperation<T>): Promise<T> {
  await connection.query(SNAPSHOT);
  try {
    return await new OperationRunner(connection).run(query);
  } finally {
    await connection.query('ROLLBACK');
  }
}

async function commit(
  connections: PostgresConnections,
  ledger: LedgerChain,
  batch: (ledger: LedgerChain) => SqlOperation<void>,
  subjects: readonly WriteSubject[],
  checkpoint: Checkpoint | undefined,
): Promise<CommitFailure | undefined> {
  let isCommitting = false;
  let isCommitted = false;
  try {
    await connections.use(async (connection) => {
      const runner = new OperationRunner(connection);
      try {
        runner.put(BEGIN);
        await runner.run(lockGrants(subjects));
        await runner.run(batch(ledger));
        isCommitting = true;
        await checkpoint?.('before-commit');
        const answers = (await connection.query(COMMIT)) as unknown as readonly {
          readonly command: string;
        }[];
        // A transaction that failed is taken back by its commit, which is no error.
        if (answers.at(-1)?.command !== 'COMMIT') {
          isCommitting = false;
          throw runner.failure ?? new ConnectionLostError('the transaction was taken back');
        }
        isCommitted = true;
        await checkpoint?.('after-commit');
      } catch (error) {
        await connection.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
    return undefined;
  } catch (error) {
    return { error, inDoubt: isCommitting && !isRolledBack(error) };
  } finally {
    ledger.forget(isCommitted);
  }
}

function* lockGrants(subjects: readonly WriteSubject[]): SqlOperation<void> {
  const uids = subjects.flatMap(({ grantUid }) => grantUid ?? []);
  const ids = subjects.flatMap(({ redemptionId }) => redemptionId ?? []);
  if (uids.length + ids.length > 0) yield* put(LOCK_GRANTS, arrayOf(uids), arrayOf(ids));
}

/** A list of texts as PostgreSQL writes an array. */
function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
