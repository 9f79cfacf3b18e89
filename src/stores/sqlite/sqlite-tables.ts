import { loadSqlite } from '../../files/load-sqlite.js';
import { HighWaterMarks } from '../high-water-marks.js';
import { LedgerKeyFile } from '../ledger-key.js';
import type { TableSession } from '../sql/copy-tables.js';
import { openConnection, runOperation } from './connection.js';
import { checkSchema } from './migrations.js';
import { SQLITE } from './sqlite-database.js';

/**
 * Opens the tables of a file for one transaction; with `writes` it excludes other writers. Rejects with the errors of
 * openConnection and checkSchema, and with the driver's own error if no driver can be loaded.
 */
export async function openSqliteTables(file: string, writes: boolean): Promise<TableSession> {
  const driver = await loadSqlite();
  if ('missing' in driver) throw driver.missing;
  // The key and the high-water marks are not needed, because copying adds no entries to a ledger.
  const connection = openConnection(driver, file, new LedgerKeyFile(''), new HighWaterMarks(''));
  try {
    runOperation(connection, checkSchema(file));
    connection.statement(writes ? 'BEGIN IMMEDIATE' : 'BEGIN').run();
  } catch (error) {
    connection.close();
    throw error;
  }
  return {
    dialect: SQLITE,
    run: async (operation) => runOperation(connection, operation),
    async close(isDone) {
      connection.statement(isDone ? 'COMMIT' : 'ROLLBACK').run();
      connection.truncateWal();
      connection.close();
    },
  };
}
