import { pathToFileURL } from 'node:url';
import type { SqliteDriver, SqliteStatement, SqliteValue } from './sqlite-driver.js';

// The parts of node:sqlite that are used here. The types of the oldest supported Node do not have the module.
interface Statement {
  columns(): readonly unknown[];
  setReturnArrays(isEnabled: boolean): void;
  run(...values: readonly SqliteValue[]): { readonly changes: number };
  get(...values: readonly SqliteValue[]): unknown;
  all(...values: readonly SqliteValue[]): unknown[];
}
interface Database {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}
interface NodeSqlite {
  readonly DatabaseSync: new (location: URL, options: { readonly timeout: number }) => Database;
}

/** Loads the module. Throws ERR_UNKNOWN_BUILTIN_MODULE before Node 24.15, where it is missing or experimental. */
function loadModule(): NodeSqlite {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isStable = major > 24 || (major === 24 && minor >= 15);
  const module = isStable ? process.getBuiltinModule('node:sqlite') : undefined;
  if (!module) {
    throw Object.assign(new Error('node:sqlite needs Node 24.15 or newer'), {
      code: 'ERR_UNKNOWN_BUILTIN_MODULE',
    });
  }
  return module as NodeSqlite;
}

const { DatabaseSync } = loadModule();

// The names of the primary result codes, by number.
const RESULT_CODES = (
  'OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY ' +
  'SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB'
).split(' ');

/** Runs an operation. Errors get the result code of SQLite as `code`, as in better-sqlite3, instead of `ERR_SQLITE_ERROR`. */
function withResultCode<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const { errcode } = error as { readonly errcode?: unknown };
    // The lowest byte of an extended code is the primary one.
    if (typeof errcode === 'number')
      Object.assign(error as Error, { code: `SQLITE_${RESULT_CODES[errcode & 0xff]}` });
    throw error;
  }
}

function wrap(statement: Statement): SqliteStatement {
  return {
    isReader: statement.columns().length > 0,
    run: (...values) => withResultCode(() => statement.run(...values).changes),
    value(...values) {
      statement.setReturnArrays(true);
      const row = withResultCode(() => statement.get(...values)) as readonly unknown[] | undefined;
      return row?.[0];
    },
    rows(values, isRaw) {
      statement.setReturnArrays(isRaw);
      return withResultCode(() => statement.all(...values));
    },
  };
}

/** The SQLite that is a part of Node. */
export const nodeSqlite: SqliteDriver = {
  name: 'node:sqlite',
  open(file) {
    const url = pathToFileURL(file);
    // Without `mode=rw` a missing file would be created.
    url.search = 'mode=rw';
    const db = withResultCode(() => new DatabaseSync(url, { timeout: 0 }));
    return {
      prepare: (sql) => wrap(withResultCode(() => db.prepare(sql))),
      exec: (sql) => withResultCode(() => db.exec(sql)),
      inTransaction: () => db.isTransaction,
      close() {
        if (db.isOpen) db.close();
      },
    };
  },
};
