import type { SqliteDriver, SqliteDriverName } from './sqlite-driver.js';

/** A driver that cannot be used, and the error that prevents it. */
export interface MissingSqlite {
  readonly name: SqliteDriverName;
  readonly missing: Error;
}

// In the order of preference.
const DRIVERS: Readonly<Record<SqliteDriverName, () => Promise<SqliteDriver>>> = {
  'node:sqlite': async () => (await import('./node-sqlite.js')).nodeSqlite,
  'better-sqlite3': async () => (await import('./better-sqlite3.js')).betterSqlite3,
};
/** The names of the drivers, the preferred one first. */
export const SQLITE_DRIVERS = Object.keys(DRIVERS) as readonly SqliteDriverName[];

let choice: SqliteDriverName | undefined;

/** Makes {@link loadSqlite} load this driver; undefined for the first one that can be used. */
export function chooseSqlite(name: SqliteDriverName | undefined): void {
  choice = name;
}

/**
 * Loads a driver: the one with this name, else the chosen one, else the first one that can be used. `node:sqlite` is a part
 * of newer versions of Node; `better-sqlite3` is an optional package whose native module may be missing or built for another
 * Node.
 */
export async function loadSqlite(name = choice): Promise<SqliteDriver | MissingSqlite> {
  if (name !== undefined) return load(name);
  const builtIn = await load('node:sqlite');
  return 'missing' in builtIn ? load('better-sqlite3') : builtIn;
}

async function load(name: SqliteDriverName): Promise<SqliteDriver | MissingSqlite> {
  try {
    return await DRIVERS[name]();
  } catch (error) {
    return { name, missing: error as Error };
  }
}

/** Explains why a driver cannot be used: `better-sqlite3, which is not installed`. */
export function explainMissing({ name, missing }: MissingSqlite): string {
  return `${name}, which ${reasonOf(missing)}`;
}

function reasonOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'ERR_UNKNOWN_BUILTIN_MODULE') return `this Node (${process.version}) does not have`;
  if (code === 'ERR_MODULE_NOT_FOUND') return 'is not installed';
  return code === 'ERR_DLOPEN_FAILED'
    ? `was not built for this Node (${process.version})`
    : 'is installed without its binary';
}
