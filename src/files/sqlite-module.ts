import type BetterSqlite3 from 'better-sqlite3';

/** SQLite's driver, or the error that prevents its use. */
export type SqliteModule = { readonly Database: typeof BetterSqlite3 } | { readonly missing: Error };

// Driver objects must not be garbage-collected: see stores/sqlite/connection.ts.
const retained: object[] = [];

let loaded: Promise<SqliteModule> | undefined;

/** Loads SQLite's driver once. It is a native module in an optional package, which may be missing or built for another Node. */
export function loadSqlite(): Promise<SqliteModule> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<SqliteModule> {
  try {
    const { default: Database } = await import('better-sqlite3');
    // The driver loads its binary only here.
    retained.push(new Database(':memory:'));
    return { Database };
  } catch (error) {
    return { missing: error as Error };
  }
}

/** Explains why the driver cannot be used, as a predicate: the caller puts the name of the driver before it. */
export function explainMissing({ code }: NodeJS.ErrnoException): string {
  if (code === 'ERR_MODULE_NOT_FOUND') return 'is not installed';
  return code === 'ERR_DLOPEN_FAILED'
    ? `was not built for this Node (${process.version})`
    : 'is installed without its binary';
}
