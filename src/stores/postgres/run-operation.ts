import type { Writable } from 'node:stream';
import type pg from 'pg';
import type { SqlOperation, SqlResult, SqlStatement } from '../sql/operation.js';
import { type PostgresConnection, WITHOUT_TIME_LIMIT } from './postgres-connections.js';

/** Statements with PostgreSQL's placeholders, by their SQL; each is prepared once on each connection. */
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

function socketOf(connection: PostgresConnection): Writable {
  // The driver's types do not include its socket.
  return (connection as unknown as { readonly connection: { readonly stream: Writable } }).connection.stream;
}

/** Closes a connection without waiting for its running statement, which then fails. */
export function abortConnection(connection: PostgresConnection): void {
  socketOf(connection).destroy();
}

/** Sends everything of this turn in one write: each write costs a TLS record and a system call. */
function corkOneTurn(connection: PostgresConnection): void {
  const stream = socketOf(connection);
  stream.cork();
  process.nextTick(() => stream.uncork());
}

function sendStatement(
  connection: PostgresConnection,
  { sql, values, isRaw }: SqlStatement,
  options: object,
): Promise<pg.QueryResult<never>> {
  corkOneTurn(connection);
  return connection.query({
    ...preparedStatement(sql),
    values: values as unknown[],
    ...(isRaw && { rowMode: 'array' }),
    ...options,
  });
}

function resultOf({ rows, rowCount }: pg.QueryResult<never>): SqlResult {
  return { rows, changes: rowCount ?? 0 };
}

/** Runs operations on one connection in sequence. Statements whose results are ignored are sent without waiting. */
export class OperationRunner {
  readonly #connection: PostgresConnection;
  readonly #options: object;
  #failure: unknown;

  /** `options` are added to each statement of an operation, for example {@link WITHOUT_TIME_LIMIT}. */
  constructor(connection: PostgresConnection, options: object = {}) {
    this.#connection = connection;
    this.#options = options;
  }

  /** The first failure of a statement whose result was ignored. Later failures of the transaction follow from it. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Sends a statement, or several in one text, without waiting for it. */
  put(text: string): void {
    corkOneTurn(this.#connection);
    this.#observe(this.#connection.query(text));
  }

  /** Runs an operation. Rejects with the errors of the driver and of the operation. */
  async run<T>(operation: SqlOperation<T>): Promise<T> {
    let step = operation.next();
    while (!step.done) {
      const awaited: Promise<SqlResult>[] = [];
      for (const statement of step.value) {
        const answer = sendStatement(this.#connection, statement, this.#options);
        if (statement.isResultIgnored) this.#observe(answer);
        else awaited.push(answer.then(resultOf));
      }
      let results: readonly SqlResult[] = [];
      try {
        // The server answers in order, so this is the first failure, which causes the others.
        if (awaited.length > 0) results = await Promise.all(awaited);
      } catch (error) {
        step = operation.throw(this.#clearFailure() ?? error);
        continue;
      }
      step = operation.next(results);
    }
    return step.value;
  }

  #observe(answer: Promise<unknown>): void {
    answer.catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  #clearFailure(): unknown {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }
}

/**
 * Runs `work` in a transaction that the statement `begin` starts, without the time limit of the driver. The transaction is
 * rolled back if `work` rejects.
 */
export async function inTransaction<T>(
  connection: PostgresConnection,
  begin: string,
  work: (runner: OperationRunner) => Promise<T>,
): Promise<T> {
  await connection.query(begin);
  try {
    const result = await work(new OperationRunner(connection, WITHOUT_TIME_LIMIT));
    await connection.query({ text: 'COMMIT', ...WITHOUT_TIME_LIMIT });
    return result;
  } catch (error) {
    // A failure of the rollback would hide the cause.
    await connection.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
