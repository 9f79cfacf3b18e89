import type { TableSession } from '../sql/copy-tables.js';
import type { SqlOperation } from '../sql/operation.js';
import { checkSchema } from './migrations.js';
import { openConnections, WITHOUT_TIME_LIMIT } from './postgres-connections.js';
import { POSTGRES } from './postgres-database.js';
import type { PostgresTarget } from './postgres-target.js';
import { OperationRunner } from './run-operation.js';

const READ = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`;
const WRITE = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on;
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`;

/**
 * Runs `work` on the tables of a database in one transaction, which is rolled back if `work` rejects. Without `writes` it is
 * read-only and reads one snapshot. Rejects as `work` and `PostgresConnections.use` do, and with StoreSchemaError for another
 * schema version.
 */
export async function withPostgresTables<T>(
  target: PostgresTarget,
  writes: boolean,
  work: (session: TableSession) => Promise<T>,
): Promise<T> {
  const connections = openConnections(target, 1);
  try {
    const result = await connections.use(async (connection) => {
      const run = <R>(operation: SqlOperation<R>) =>
        new OperationRunner(connection, WITHOUT_TIME_LIMIT).run(operation);
      await connection.query(writes ? WRITE : READ);
      await run(checkSchema(target.displayUrl));
      // `use` would report an error of the other database as a lost connection of this one.
      const [settled] = await Promise.allSettled([work({ dialect: POSTGRES, run })]);
      const text = settled.status === 'fulfilled' ? 'COMMIT' : 'ROLLBACK';
      await connection.query({ text, ...WITHOUT_TIME_LIMIT });
      return settled;
    });
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  } finally {
    await connections.close();
  }
}
