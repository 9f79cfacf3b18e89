import type { Writable } from 'node:stream';
import type pg from 'pg';
import type { SqlOperation, SqlResult, SqlStatement } from '../sql/operation.js';
import type { PostgresConnection } from './connections.js';

/** Statements as PostgreSQL wants them, by what they are for us: prepared once on each connection. */
const prepared = new Map<string, { readonly name: string; readonly text: string }>();

function preparedStatement(sql: string): { readonly name: string; readonly text: string } {
  let statement = prepared.get(sql);
  if (!statement) {
    const [before = '', ...parts] = sql.split('?');
    const text = before + parts.map((part, index) => `$${index + 1}${part}`).join('');
    statement = { name: `linkgrant-${prepared.size}`, text };
    prepared.set(sql, statement);
  }
  return statement;
}

/** What is sent to a connection in one go leaves in one write: each costs a record of TLS and a call of the system. */
function gather(connection: PostgresConnection): void {
  // The driver shows its socket in no type.
  const { stream } = (connection as unknown as { readonly connection: { readonly stream: Writable } })
    .connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

function send(
  connection: PostgresConnection,
  { sql, values, isRaw }: SqlStatement,
): Promise<pg.QueryResult<never>> {
  gather(connection);
  return connection.query({
    ...preparedStatement(sql),
    values: values as unknown[],
    ...(isRaw && { rowMode: 'array' }),
  });
}

function resultOf({ rows, rowCount }: pg.QueryResult<never>): SqlResult {
  return { rows, changes: rowCount ?? 0 };
}

/** All results once there are all, or the first failure: the others follow from it. */
async function allOf(answers: readonly Promise<SqlResult>[]): Promise<SqlResult[]> {
  const results: SqlResult[] = [];
  for (const answer of answers) answer.catch(() => undefined);
  for (const answer of answers) results.push(await answer);
  return results;
}

/** Does operations on one connection, one after the other; statements whose results nobody awaits are sent at once. */
export class OperationRunner {
  readonly #connection: PostgresConnection;
  #failure: unknown;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** The first failure of a statement that nobody awaited; what came after it in its transaction says less. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Sends a statement, or several in one text, without waiting for it. */
  put(text: string): void {
    gather(this.#connection);
    this.#watch(this.#connection.query(text));
  }

  /** What an operation comes to. Rejects with what the driver or the operation throws. */
  async run<T>(operation: SqlOperation<T>): Promise<T> {
    let step = operation.next();
    while (!step.done) {
      const watched: Promise<SqlResult>[] = [];
      for (const statement of step.value) {
        const answer = send(this.#connection, statement);
        if (statement.isResultIgnored) this.#watch(answer);
        else watched.push(answer.then(resultOf));
      }
      let results: readonly SqlResult[] = [];
      try {
        if (watched.length > 0) results = await allOf(watched);
      } catch (error) {
        step = operation.throw(this.#takeFailure() ?? error);
        continue;
      }
      step = operation.next(results);
    }
    return step.value;
  }

  #watch(answer: Promise<unknown>): void {
    answer.catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  #takeFailure(): unknown {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }
}
