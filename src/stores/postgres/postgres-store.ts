import { setTimeout as sleep } from 'node:timers/promises';
import { storeUnavailable } from '../../domain/redemption-error.js';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import { LedgerKeyError, LedgerKeyFile } from '../ledger-key.js';
import { LedgerChain } from '../sql/ledger/ledger-chain.js';
import type { SqlDatabase } from '../sql/sql-database.js';
import { translateFailure } from '../sql/store-failure.js';
import { StoreOpenError } from '../store-open-error.js';
import { checkSchema, migrateSchema } from './migrations.js';
import { openConnections, type PostgresConnections } from './postgres-connections.js';
import { postgresDatabase } from './postgres-database.js';
import { ConnectionLostError, failureOf, sqlState } from './postgres-failure.js';
import type { PostgresTarget } from './postgres-target.js';
import { inTransaction, OperationRunner } from './run-operation.js';

/** Connection target of the store, and how it is opened. */
export interface PostgresStoreOptions {
  readonly target: PostgresTarget;
  readonly migrate: boolean;
  /** File with the key of the ledger, created with the tables. */
  readonly ledgerKeyFile: string;
  /** Whether a database without a ledger is accepted on a host that has the key of one. */
  readonly acceptsEmpty?: boolean;
  /** Called with `before-commit` and `after-commit`; if it throws, the outcome of the commit counts as unknown. */
  readonly checkpoint?: Checkpoint;
  /** How long a write is retried while the database is busy or unreachable, in milliseconds; 8,000 if absent. */
  readonly deadlineMs?: number;
}

/**
 * Opens the schema `linkgrant` of a PostgreSQL database. Any number of processes on any number of hosts may share it, if they
 * have the same ledger key.
 * Rejects with StoreSchemaError when the tables are of another version, StoreOpenError when the server or the database cannot
 * be used (a standby, a wrong password, no such database), LedgerKeyError when the key of an existing ledger is
 * missing and `migrate` is set (without it, the first operation that needs the key rejects), and RedemptionError
 * `store_unavailable` when the server cannot be reached now.
 */
export async function openPostgresDatabase(options: PostgresStoreOptions): Promise<SqlDatabase> {
  const { target, checkpoint, deadlineMs = 8_000 } = options;
  const ledgerKey = new LedgerKeyFile(options.ledgerKeyFile);
  const readers = openConnections(target);
  try {
    const ledger = new LedgerChain(ledgerKey);
    await prepareDatabase(readers, options, ledger, performance.now() + deadlineMs);
    if (options.migrate) ledgerKey.confirm();
  } catch (error) {
    await readers.close();
    throw error;
  }
  // A write never waits for a connection that reads.
  const writer = openConnections(target, 1);
  return postgresDatabase({ readers, writer }, ledgerKey, { checkpoint, deadlineMs });
}

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0';

async function prepareDatabase(
  connections: PostgresConnections,
  options: PostgresStoreOptions,
  ledger: LedgerChain,
  deadline: number,
): Promise<void> {
  const { target, migrate, acceptsEmpty } = options;
  await whenReachable(target, deadline, () =>
    connections.use(async (connection) => {
      if (!migrate) return new OperationRunner(connection).run(checkSchema(target.displayUrl));
      return inTransaction(connection, BEGIN, async (runner) => {
        await runner.run(migrateSchema(target.displayUrl));
        await runner.run(ledger.begin(acceptsEmpty));
      });
    }),
  );
}

/** Repeats an operation until the server is ready for it, at most until the monotonic time `deadline` in milliseconds. */
async function whenReachable(
  target: PostgresTarget,
  deadline: number,
  operation: () => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      // 57P03: the server is starting.
      const isTransient = failureOf(error) === 'busy' || sqlState(error) === '57P03';
      if (!isTransient || performance.now() >= deadline) throw openingError(error, target);
      await sleep(20 + Math.random() * 80);
    }
  }
}

/** Connects to the server, and changes nothing. Rejects as {@link openPostgresDatabase} does if the database cannot be used. */
export async function checkPostgresServer(target: PostgresTarget, deadlineMs = 8_000): Promise<void> {
  const connections = openConnections(target, 1);
  try {
    await whenReachable(target, performance.now() + deadlineMs, () => connections.use(async () => undefined));
  } finally {
    await connections.close();
  }
}

/** Refusals of the server by SQLSTATE, as the end of a sentence, with a hint. */
const REFUSALS: Readonly<Record<string, { readonly problem: string; readonly hint: string }>> = {
  '28P01': {
    problem: 'refused the password',
    hint: 'set PGPASSWORD, or PGPASSFILE to a password file',
  },
  '28000': {
    problem: 'does not accept this user from this address',
    hint: 'check pg_hba.conf of the server, and whether it requires TLS (sslmode)',
  },
  '3D000': { problem: 'has no such database', hint: 'create it, or correct --store' },
  '42501': {
    problem: 'does not allow this user to create or use the tables',
    hint: 'make the user the owner of the database, or of a schema linkgrant in it',
  },
};

function openingError(error: unknown, target: PostgresTarget): Error {
  if (error instanceof StoreOpenError || error instanceof LedgerKeyError) return error;
  const refusal = REFUSALS[sqlState(error) ?? ''];
  if (refusal) {
    const message = `the server of the store ${target.displayUrl} ${refusal.problem}`;
    return new StoreOpenError(message, refusal.hint, { cause: error });
  }
  if (!(error instanceof ConnectionLostError)) return translateFailure(error, failureOf);
  const cause = error.cause as NodeJS.ErrnoException;
  return storeUnavailable(
    `the store ${target.displayUrl} cannot be reached (${cause.code ?? cause.message})`,
    error,
  );
}
