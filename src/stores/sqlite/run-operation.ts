import type { SqlOperation, SqlResult, SqlStatement } from '../sql/operation.js';
import type { SqliteConnection } from './connection.js';

/** Does an operation with a connection, in one go. Throws SQLite's own errors, and what the operation throws. */
export function runOperation<T>(connection: SqliteConnection, operation: SqlOperation<T>): T {
  let step = operation.next();
  while (!step.done) {
    let results: SqlResult[];
    try {
      results = step.value.map((statement) => resultOf(connection, statement));
    } catch (error) {
      step = operation.throw(error);
      continue;
    }
    step = operation.next(results);
  }
  return step.value;
}

function resultOf(connection: SqliteConnection, { sql, values, isRaw }: SqlStatement): SqlResult {
  const statement = connection.statement(sql);
  if (!statement.reader) return { rows: [], changes: statement.run(...values).changes };
  return { rows: statement.raw(isRaw === true).all(...values), changes: 0 };
}
