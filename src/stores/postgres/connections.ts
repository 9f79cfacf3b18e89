import pg from 'pg';
import { StoreOpenError } from '../store-open-error.js';
import { ConnectionLostError, failureOf, sqlState } from './postgres-failure.js';
import type { PostgresHost, PostgresTarget } from './postgres-target.js';

/** An open connection that nobody else uses until it is given back. */
export type PostgresConnection = pg.PoolClient;

/** The connections of a process to one database. */
export interface PostgresConnections {
  /**
   * Does something with a connection to the primary. One that `use` throws ConnectionLostError with is closed, and so is one
   * that turned out to be a standby's. Rejects with ConnectionLostError when none is to be had, and with what `use` throws.
   */
  use<T>(use: (connection: PostgresConnection) => Promise<T>): Promise<T>;
  /** The same for what may be done twice: that a connection broke while it lay idle is found out by using it. */
  useAgain<T>(use: (connection: PostgresConnection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// A server that is overloaded or far away still answers in this time; a client of ours gives up after 10 s.
const CONNECT_MS = 3_000;
// The server ends what takes longer, and the driver gives up a connection that says nothing for longer than that.
const STATEMENT_MS = 5_000;
const SILENCE_MS = 7_000;
// Longer than the event loop of a living process is busy; whoever waits for what a dead one holds is let on then.
const IDLE_IN_TRANSACTION_MS = 3_000;
const LOCK_MS = 4_000;
const MOST_CONNECTIONS = 6;
// After a fail-over nothing may stay for long with a server that answers but is not the primary any more.
const LIFETIME_S = 300;

// What an administrator has set for the server, the database or the role does not count.
const SESSION = `SET synchronous_commit = on;
  SET default_transaction_isolation = 'read committed';
  SET default_transaction_read_only = off;
  SET statement_timeout = ${STATEMENT_MS};
  SET lock_timeout = ${LOCK_MS};
  SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS};
  SET client_min_messages = warning;
  SET search_path = linkgrant`;
const IS_STANDBY = 'SELECT pg_is_in_recovery() AS standby';

/** Integers as numbers (times in milliseconds are well below 2^53), JSON as the text that it is. */
const TYPES = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8) return Number;
    if (oid === pg.types.builtins.JSON) return String;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as typeof pg.types.getTypeParser,
};

/** Connections that are opened when they are needed, to the first of the place's hosts that is a primary. */
export function openConnections(place: PostgresTarget, max = MOST_CONNECTIONS): PostgresConnections {
  const { hosts } = place;
  let current = 0;
  const server = () => hosts[current % hosts.length] as PostgresHost;
  const target = () => ({ ...server(), ssl: place.tls(server()) });
  const pool = new pg.Pool({
    ...target(),
    database: place.database,
    user: place.user,
    // A function keeps it out of what is printed, and the driver from looking for files itself.
    password: async () => place.password(server()) ?? '',
    application_name: 'linkgrant',
    ...(place.options !== undefined && { options: place.options }),
    types: TYPES,
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: SILENCE_MS,
    max,
    maxLifetimeSeconds: LIFETIME_S,
    onConnect: (client) => prepareSession(client, place),
  });
  // Without a listener, an idle connection that breaks would end the process.
  pool.on('error', () => undefined);

  async function connect(): Promise<PostgresConnection> {
    let failure: unknown;
    for (let tried = 0; tried < hosts.length; tried += 1) {
      const attempted = current;
      try {
        return await pool.connect();
      } catch (error) {
        // That a server refuses is worth more than that another one is away.
        if (failure === undefined || sqlState(error) !== undefined) failure = error;
        if (current === attempted && hosts.length > 1) {
          current += 1;
          Object.assign(pool.options, target());
        }
      }
    }
    throw toStoreError(failure, place);
  }

  async function run<T>(
    connection: PostgresConnection,
    use: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    let broken: Error | undefined;
    // The driver tells of a break here as well as to whoever waits for an answer.
    const noteBreak = (error: Error): void => {
      broken = error;
    };
    connection.on('error', noteBreak);
    try {
      return await use(connection);
    } catch (error) {
      const own = broken ? lost(broken, place) : toStoreError(error, place);
      if (failureOf(own) === 'lost') broken = own as Error;
      throw own;
    } finally {
      connection.off('error', noteBreak);
      connection.release(broken);
    }
  }

  return {
    use: async (use) => run(await connect(), use),
    async useAgain(use) {
      for (let left = max; ; left -= 1) {
        const connection = await connect();
        try {
          return await run(connection, use);
        } catch (error) {
          if (left === 0 || failureOf(error) !== 'lost') throw error;
        }
      }
    },
    close: () => pool.end(),
  };
}

/** Makes a new connection what every other one is. Rejects for a standby. */
async function prepareSession(client: pg.ClientBase, place: PostgresTarget): Promise<void> {
  await client.query(SESSION);
  const { rows } = await client.query<{ standby: boolean }>(IS_STANDBY);
  if (rows[0]?.standby) {
    throw new StoreOpenError(
      `the store ${place.shown} is a standby, which can only be read`,
      'name the primary, or every server with commas between',
    );
  }
}

function lost(cause: Error, place: PostgresTarget): ConnectionLostError {
  return new ConnectionLostError(`no connection to the store ${place.shown}`, { cause });
}

/** What the driver and Node say of connections has no type of its own. */
function toStoreError(error: unknown, place: PostgresTarget): unknown {
  if (!(error instanceof Error) || sqlState(error) !== undefined) return error;
  // Files that are missing have nothing to do with it.
  const isOfNode = 'code' in error && typeof error.code === 'string' && !('path' in error);
  // The driver's own errors are plain ones; whatever else is thrown here has a class.
  return isOfNode || error.constructor === Error ? lost(error, place) : error;
}
