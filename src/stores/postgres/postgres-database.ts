import { storeUnavailable } from '../../domain/redemption-error.js';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import type { LedgerKeyFile } from '../ledger-key.js';
import { type CommitFailure, startGroupCommit, type WriteSubject } from '../sql/group-commit.js';
import { LedgerChain } from '../sql/ledger/ledger-chain.js';
import { put, type SqlDialect, type SqlOperation, value } from '../sql/operation.js';
import type { SqlDatabase } from '../sql/sql-database.js';
import { translateFailure } from '../sql/store-failure.js';
import type { PostgresConnection, PostgresConnections } from './postgres-connections.js';
import { ConnectionLostError, failureOf, isRolledBack } from './postgres-failure.js';
import { abortConnection, inTransaction, OperationRunner } from './run-operation.js';

// Positions in the ledger are in commit order, unlike the numbers of a sequence.
const FROM = "events e JOIN redemptions r ON e.kind = 'redeemed' AND r.id = e.redemption_id";
const OWN_TABLES = "SELECT oid FROM pg_class WHERE relnamespace = CAST('linkgrant' AS regnamespace)";
// A rule acts like a trigger, and a view, which is a rule as well, can be in the place of a table.
const TRIGGER = `SELECT CAST(tgname AS TEXT) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (${OWN_TABLES})
  UNION ALL SELECT CAST(rulename AS TEXT) FROM pg_rewrite WHERE ev_class IN (${OWN_TABLES}) LIMIT 1`;
/** The statements of PostgreSQL. */
export const POSTGRES: SqlDialect = {
  redemptionParts: { from: FROM, position: 'e.position', grantUid: 'e.grant_uid' },
  contains: (text) => `strpos(lower((${text}) COLLATE "C"), ?) > 0`,
  *schemaProblem() {
    const name = yield* value(TRIGGER);
    return name === undefined
      ? undefined
      : `has a trigger, view or rule in its database, "${name}", which linkgrant did not create`;
  },
};
// Overrides settings of the server, the database, the role and a pooler.
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on';
// With statement_timeout the server would end the wait for a synchronous standby, and report a commit that the standby lacks.
const COMMIT = 'SET LOCAL statement_timeout = 0; COMMIT';
const SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0';
// Serializes transactions about the same grant. All transactions lock in the same order, so there is no deadlock. A subquery
// finds the grant of each redemption. With `id = ANY (...)` a plan made while the table was empty would scan the whole table.
const LOCK_GRANTS = `WITH keys AS MATERIALIZED (SELECT hashtextextended(uid, 0) AS key FROM (
      SELECT unnest(CAST(? AS text[])) AS uid UNION
      SELECT (SELECT grant_uid FROM redemptions WHERE id = wanted.id)
      FROM unnest(CAST(? AS text[])) AS wanted (id)) AS subjects ORDER BY 1)
  SELECT pg_advisory_xact_lock(key) FROM keys`;

/** Implements the SqlDatabase on PostgreSQL: concurrent reads, writes by group commit on one connection. */
export function postgresDatabase(
  { readers, writer }: { readonly readers: PostgresConnections; readonly writer: PostgresConnections },
  ledgerKey: LedgerKeyFile,
  options: { readonly checkpoint: Checkpoint | undefined; readonly deadlineMs: number },
): SqlDatabase {
  const { marks } = ledgerKey;
  const ledger = new LedgerChain(ledgerKey, ' FOR UPDATE');
  const { write, finish } = startGroupCommit(
    {
      commit: (batch, subjects) => commit(writer, ledger, batch, subjects, options.checkpoint),
      failureOf,
      retriesLostConnection: true,
      batchIntervalMs: 0,
      maxBatchSize: 64,
    },
    options.deadlineMs,
  );
  const snapshots = new Set<PostgresConnection>();
  let closing: Promise<void> | undefined;

  const requireOpen = (): void => {
    if (closing) throw storeUnavailable('the store is closed');
  };

  // If this fails, the mark stays as it is: an older one detects less.
  const writeMark = (): Promise<void> =>
    readers
      .useWithRetry((connection) => new OperationRunner(connection).run(ledger.writeHighWaterMark()))
      .catch(() => undefined);
  marks.onDue = () => void writeMark();

  async function use<T>(query: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    requireOpen();
    try {
      return await readers.useWithRetry(query);
    } catch (error) {
      requireOpen();
      throw translateFailure(error, failureOf);
    }
  }

  return {
    dialect: POSTGRES,
    read: (query) => use((connection) => new OperationRunner(connection).run(query(ledger))),
    readSnapshot: (query) =>
      use(async (connection) => {
        requireOpen();
        snapshots.add(connection);
        try {
          return await inTransaction(connection, SNAPSHOT, (runner) => runner.run(query(ledger)));
        } finally {
          snapshots.delete(connection);
        }
      }),
    write,
    // Erased content stays in the WAL until checkpoints remove it, and in dead rows until a vacuum.
    afterErasing: () => undefined,
    close() {
      // A snapshot, or one statement of it, can take minutes.
      for (const connection of snapshots) abortConnection(connection);
      closing ??= finish().then(async () => {
        if (!marks.isWritten) await writeMark();
        await Promise.all([readers.close(), writer.close()]);
      });
      return closing;
    },
  };
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
        // The COMMIT of a failed transaction rolls back, and reports no error.
        if (answers.at(-1)?.command !== 'COMMIT') {
          isCommitting = false;
          throw runner.failure ?? new ConnectionLostError('the transaction was rolled back');
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
    ledger.endTransaction(isCommitted);
  }
}

function* lockGrants(subjects: readonly WriteSubject[]): SqlOperation<void> {
  const uids = subjects.flatMap(({ grantUid }) => grantUid ?? []);
  const ids = subjects.flatMap(({ redemptionId }) => redemptionId ?? []);
  if (uids.length + ids.length > 0) yield* put(LOCK_GRANTS, arrayOf(uids), arrayOf(ids));
}

/** Formats a list of texts as a PostgreSQL array. */
function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
