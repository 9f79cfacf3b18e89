import type { TableSession } from '../sql/copy-tables.js';
import { openConnections, type PostgresConnection } from './connections.js';
import { checkSchema } from './migrations.js';
import { POSTGRES } from './postgres-database.js';
import type { PostgresTarget } from './postgres-target.js';
import { OperationRunner } from './run-operation.js';

const READ = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`;
const WRITE = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on;
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`;

/**
 * Opens the tables of a database for one transaction. Without `writes` it is read-only and reads one snapshot. Rejects as
 * `PostgresConnections.use` does, and with StoreSchemaError for another schema version.
 */
export async function openPostgresTables(target: PostgresTarget, writes: boolean): Promise<TableSession> {
  const connections = openConnections(target, 1);
  let finish: (isDone: boolean) => void = () => undefined;
  const finished = new Promise<boolean>((resolve) => {
    finish = resolve;
  });
  let transaction: Promise<void> = Promise.resolve();
  const connection = await new Promise<PostgresConnection>((resolve, reject) => {
    transaction = connections.use(async (opened) => {
      await opened.query(writes ? WRITE : READ);
      await new OperationRunner(opened).run(checkSchema(target.displayUrl));
      resolve(opened);
      await opened.query((await finished) ? 'COMMIT' : 'ROLLBACK');
    });
    transaction.catch(reject);
  }).catch(async (error: unknown) => {
    await connections.close();
    throw error;
  });
  return {
    dialect: POSTGRES,
    run: (operation) => new OperationRunner(connection).run(operation),
    async close(isDone) {
      finish(isDone);
      await transaction.finally(() => connections.close());
    },
  };
}
