import type { Writable } from 'node:stream';
import type pg from 'pg';
import type { SqlOperation, SqlResult, SqlStatement } from '../sql/operation.js';
import type { PostgresConnection } from './connections.js';

const NOTHING: SqlResult = { rows: [], changes: 0 };

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
      if (step.value.isUnwatched) {
        this.#watch(send(this.#connection, step.value));
        step = operation.next(NOTHING);
        continue;
      }
      let result: SqlResult;
      try {
        const { rows, rowCount } = await send(this.#connection, step.value);
        result = { rows, changes: rowCount ?? 0 };
      } catch (error) {
        step = operation.throw(this.#takeFailure() ?? error);
        continue;
      }
      step = operation.next(result);
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
