import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import { highWaterMarksBeside } from '../high-water-marks.js';
import { LedgerKeyError, LedgerKeyFile } from '../ledger-key.js';
import { LedgerChain } from '../sql/ledger-chain.js';
import { type SqlDatabase, sqlGrantStore } from '../sql/sql-grant-store.js';
import { storeUnavailable, translateFailure } from '../sql/store-failure.js';
import { StoreOpenError } from '../store-open-error.js';
import { openConnections, type PostgresConnection, type PostgresConnections } from './connections.js';
import { checkSchema, migrateSchema } from './migrations.js';
import { postgresDatabase } from './postgres-database.js';
import { ConnectionLostError, failureOf, sqlState } from './postgres-failure.js';
import type { PostgresTarget } from './postgres-target.js';
import { OperationRunner } from './run-operation.js';

/** Where the store is, and how it is opened. */
export interface PostgresStoreOptions {
  readonly place: PostgresTarget;
  /** Whether to bring the tables to this program's version, making them where there are none. */
  readonly migrate: boolean;
  readonly clock: Clock;
  /** The file with the key of the ledger's codes, made with the tables. */
  readonly ledgerKeyFile: string;
  /** Accepts a database without a ledger even if this host has the key of one. */
  readonly acceptsEmpty?: boolean;
  /** Called as `before-commit` and `after-commit`; what it throws makes the commit's outcome unknown. */
  readonly checkpoint?: Checkpoint;
  /** How long a write is tried again while the database is busy or away, in milliseconds; 8,000 when absent. */
  readonly deadlineMs?: number;
}

/**
 * Opens the grant store in the schema `linkgrant` of a PostgreSQL database. Any number of processes on any number of hosts
 * may share it, if they have the same ledger key.
 * Rejects with StoreSchemaError when the tables are of another version, StoreOpenError when the server or the database cannot
 * be used (a standby, a wrong password, no such database), LedgerKeyError when the key of a ledger that was begun is missing
 * where `migrate` is set (else whatever needs the key does), and RedemptionError `store_unavailable` when the server cannot
 * be reached now.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<GrantStore> {
  return sqlGrantStore(await openPostgresDatabase(options), options.clock);
}

/** Opens the database of the same store. */
export async function openPostgresDatabase(
  options: Omit<PostgresStoreOptions, 'clock'>,
): Promise<SqlDatabase> {
  const { place, migrate, acceptsEmpty = false, checkpoint, deadlineMs = 8_000 } = options;
  const ledgerKey = new LedgerKeyFile(options.ledgerKeyFile);
  const notes = highWaterMarksBeside(options.ledgerKeyFile);
  const readers = openConnections(place);
  try {
    const begin = migrate ? { ledger: new LedgerChain(ledgerKey, notes), acceptsEmpty } : undefined;
    await prepare(readers, place, begin, performance.now() + deadlineMs);
    if (migrate) ledgerKey.confirm();
  } catch (error) {
    await readers.close();
    throw error;
  }
  // A write never waits for a connection that reads.
  const writer = openConnections(place, 1);
  return postgresDatabase({ readers, writer }, ledgerKey, notes, { checkpoint, deadlineMs });
}

interface BeginOptions {
  readonly ledger: LedgerChain;
  readonly acceptsEmpty: boolean;
}

async function prepare(
  connections: PostgresConnections,
  place: PostgresTarget,
  /** The ledger that is to be begun with the tables, if they are to be made. */
  begin: BeginOptions | undefined,
  deadline: number,
): Promise<void> {
  for (;;) {
    try {
      await connections.use(async (connection) => {
        if (begin) await migrateAndBegin(connection, place.shown, begin);
        else await new OperationRunner(connection).run(checkSchema(place.shown));
      });
      return;
    } catch (error) {
      // A server that starts will be there soon.
      const isPassing = failureOf(error) === 'busy' || sqlState(error) === '57P03';
      if (!isPassing || performance.now() >= deadline) throw openingError(error, place);
      await sleep(20 + Math.random() * 80);
    }
  }
}

async function migrateAndBegin(
  connection: PostgresConnection,
  shown: string,
  { ledger, acceptsEmpty }: BeginOptions,
): Promise<void> {
  const runner = new OperationRunner(connection);
  await connection.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0');
  try {
    await runner.run(migrateSchema(shown));
    await runner.run(checkSchema(shown));
    await runner.run(ledger.begin(acceptsEmpty));
    await connection.query('COMMIT');
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** What the server says when it lets nobody in, and what to do about it. */
const REFUSALS: Readonly<Record<string, { readonly problem: string; readonly hint: string }>> = {
  '28P01': {
    problem: 'does not take the password',
    hint: 'give it with PGPASSWORD, or in the file that PGPASSFILE names',
  },
  '28000': {
    problem: 'does not let this user in from here',
    hint: 'see pg_hba.conf of the server, and whether it wants TLS (sslmode)',
  },
  '3D000': { problem: 'has no such database', hint: 'create it, or correct --store' },
  '42501': {
    problem: 'does not let this user make or use the tables',
    hint: 'let the user own the database, or a schema linkgrant in it',
  },
};

/** What opening rejects with for an error that came up in it. */
function openingError(error: unknown, place: PostgresTarget): Error {
  if (error instanceof StoreOpenError || error instanceof LedgerKeyError) return error;
  const refusal = REFUSALS[sqlState(error) ?? ''];
  if (refusal) {
    const message = `the server of the store ${place.shown} ${refusal.problem}`;
    return new StoreOpenError(message, refusal.hint, { cause: error });
  }
  if (!(error instanceof ConnectionLostError)) return translateFailure(error, failureOf);
  const cause = error.cause as NodeJS.ErrnoException;
  return storeUnavailable(
    `the store ${place.shown} cannot be reached (${cause.code ?? cause.message})`,
    error,
  );
}
