import BetterSqlite3 from 'better-sqlite3';
import type { SqliteDriver, SqliteStatement, SqliteValue } from './sqlite-driver.js';

// From Node 24.19 on, the process aborts if a driver object is collected while no JavaScript runs (its destructor needs the
// environment). So all driver objects stay referenced, which costs a few kilobytes for each closed file. Opening
// the first one, in memory, loads the native module.
const retained: object[] = [new BetterSqlite3(':memory:')];

function wrap(statement: BetterSqlite3.Statement<SqliteValue[], unknown>): SqliteStatement {
  retained.push(statement);
  return {
    isReader: statement.reader,
    run: (...values) => statement.run(...values).changes,
    value: (...values) => (statement.raw(true).get(...values) as readonly unknown[] | undefined)?.[0],
    rows: (values, isRaw) => statement.raw(isRaw).all(...values),
  };
}

/** SQLite in a native module, for every Node. */
export const betterSqlite3: SqliteDriver = {
  name: 'better-sqlite3',
  open(file) {
    const db = new BetterSqlite3(file, { fileMustExist: true, timeout: 0 });
    retained.push(db);
    return {
      prepare: (sql) => wrap(db.prepare<SqliteValue[], unknown>(sql)),
      exec: (sql) => void db.exec(sql),
      inTransaction: () => db.inTransaction,
      close: () => void db.close(),
    };
  },
};
