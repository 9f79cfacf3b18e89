import { LedgerKeyFile } from '../ledger-key.js';
import type { TableSession } from '../sql/copy-tables.js';
import { checkSchema } from './migrations.js';
import { openSqliteConnection, runOperation } from './sqlite-connection.js';
import { SQLITE } from './sqlite-database.js';

/**
 * Runs `work` on the tables of a file in one transaction, which is rolled back if `work` rejects; with `writes` it excludes
 * other writers. Rejects with the errors of `work`, openSqliteConnection and checkSchema.
 */
export async function withSqliteTables<T>(
  file: string,
  writes: boolean,
  work: (session: TableSession) => Promise<T>,
): Promise<T> {
  // The key and the high-water marks are not needed, because copying adds no entries to a ledger.
  const connection = openSqliteConnection(file, new LedgerKeyFile(''));
  try {
    runOperation(connection, checkSchema(file));
    connection.statement(writes ? 'BEGIN IMMEDIATE' : 'BEGIN').run();
    const result = await work({
      dialect: SQLITE,
      run: async (operation) => runOperation(connection, operation),
    });
    connection.statement('COMMIT').run();
    connection.truncateWal();
    return result;
  } finally {
    // Closing rolls back a transaction that is still open.
    connection.close();
  }
}
