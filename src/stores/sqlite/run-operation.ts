import type { SqlOperation, SqlResult } from '../sql/operation.js';
import type { SqliteConnection } from './connection.js';

/** Does an operation with a connection, in one go. Throws SQLite's own errors, and what the operation throws. */
export function runOperation<T>(connection: SqliteConnection, operation: SqlOperation<T>): T {
  let step = operation.next();
  while (!step.done) {
    const { sql, values, isRaw } = step.value;
    let result: SqlResult;
    try {
      const statement = connection.statement(sql);
      if (!statement.reader) result = { rows: [], changes: statement.run(...values).changes };
      else result = { rows: statement.raw(isRaw === true).all(...values), changes: 0 };
    } catch (error) {
      step = operation.throw(error);
      continue;
    }
    step = operation.next(result);
  }
  return step.value;
}
