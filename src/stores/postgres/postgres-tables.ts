import type { TableSession } from '../sql/copy-tables.js';
import { openConnections, type PostgresConnection } from './connections.js';
import { checkSchema } from './migrations.js';
import { POSTGRES } from './postgres-database.js';
import type { PostgresTarget } from './postgres-target.js';
import { OperationRunner } from './run-operation.js';

const READ = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0';
const WRITE = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on;
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`;

/** Opens the tables of a database for one transaction, which reads one snapshot. Rejects as opening the store does. */
export async function openPostgresTables(place: PostgresTarget, writes: boolean): Promise<TableSession> {
  const connections = openConnections(place, 1);
  let finish: (isDone: boolean) => void = () => undefined;
  const finished = new Promise<boolean>((resolve) => {
    finish = resolve;
  });
  let over: Promise<void> = Promise.resolve();
  const connection = await new Promise<PostgresConnection>((resolve, reject) => {
    over = connections.use(async (opened) => {
      await opened.query(writes ? WRITE : `${READ}; SET LOCAL idle_in_transaction_session_timeout = 0`);
      await new OperationRunner(opened).run(checkSchema(place.shown));
      resolve(opened);
      await opened.query((await finished) ? 'COMMIT' : 'ROLLBACK');
    });
    over.catch(reject);
  }).catch(async (error: unknown) => {
    await connections.close();
    throw error;
  });
  return {
    dialect: POSTGRES,
    run: (operation) => new OperationRunner(connection).run(operation),
    async close(isDone) {
      finish(isDone);
      await over.finally(() => connections.close());
    },
  };
}
