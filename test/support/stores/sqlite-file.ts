import { openSqliteFile as open, type SqliteFile } from '../../../src/files/sqlite-file.js';

/** Opens an SQLite file that stores of this process may have open too, and waits while it is locked. */
export function openSqliteFile(file: string): SqliteFile {
  const opened = open(file);
  opened.exec('PRAGMA busy_timeout = 10000');
  return opened;
}

/** Opens an SQLite file as {@link openSqliteFile} does, calls `use`, and closes the file. Returns the result of `use`. */
export function withSqliteFile<T>(file: string, use: (database: SqliteFile) => T): T {
  const database = openSqliteFile(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}
