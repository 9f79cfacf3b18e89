import { openSqliteMemory } from '../../files/sqlite-file.js';
import { rawRows, type SqlOperation, value } from '../sql/operation.js';
import { MIGRATIONS } from './migrations.js';

const PARTS = 'SELECT type, name, tbl_name, sql FROM sqlite_schema';
const CHECK = 'SELECT integrity_check FROM pragma_integrity_check(?) LIMIT 1';

let ownParts: readonly string[] | undefined;

/** Returns the tables and indexes that this program creates, as a new file contains them. */
function partsOfSchema(): readonly string[] {
  if (ownParts) return ownParts;
  const empty = openSqliteMemory();
  try {
    for (const sql of MIGRATIONS.flatMap(({ statements }) => statements)) empty.exec(sql);
    ownParts = empty
      .prepare(PARTS)
      .rows([], true)
      .map((part) => JSON.stringify(part));
    return ownParts;
  } finally {
    empty.close();
  }
}

function describe(part: string): string {
  const [type, name] = JSON.parse(part) as readonly unknown[];
  return `${type} "${name}"`;
}

/** Compares the schema of the file with that of this program. Returns the first difference; see SqlDialect. */
export function* schemaProblem(): SqlOperation<string | undefined> {
  const own = partsOfSchema();
  const found = (yield* rawRows(PARTS)).map((part) => JSON.stringify(part));
  const foreign = found.find((part) => !own.includes(part));
  if (foreign !== undefined)
    return `has ${describe(foreign)} in its database, which linkgrant did not create`;
  const missing = own.find((part) => !found.includes(part));
  return missing === undefined ? undefined : `lacks ${describe(missing)} in its database`;
}

/** Compares each table with its indexes. Returns the first difference; see SqlDialect. One statement reads one table. */
export function* indexProblem(): SqlOperation<string | undefined> {
  const tables = partsOfSchema().map((part) => JSON.parse(part) as readonly [string, string]);
  for (const [type, name] of [...tables, ['table', 'sqlite_schema']]) {
    if (type !== 'table') continue;
    const result = yield* value(CHECK, name as string);
    if (result !== 'ok') return `has a damaged table or index in its database: ${result}`;
  }
  return undefined;
}
