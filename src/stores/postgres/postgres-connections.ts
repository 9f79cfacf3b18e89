import pg from 'pg';
import { RedemptionError } from '../../domain/redemption-error.js';
import { StandbyError } from '../store-open-error.js';
import { ConnectionLostError, failureOf, sqlState } from './postgres-failure.js';
import type { PostgresHost, PostgresTarget } from './postgres-target.js';

/** An open connection for exclusive use until it is released. */
export type PostgresConnection = pg.PoolClient;

/** The connections of a process to one database. */
export interface PostgresConnections {
  /**
   * Calls `use` with a connection to the primary. The connection is closed if it is lost or belongs to a standby. If no
   * connection can be opened, rejects with ConnectionLostError, the server's refusal, or StandbyError. Also
   * rejects with the errors of `use`.
   */
  use<T>(use: (connection: PostgresConnection) => Promise<T>): Promise<T>;
  /**
   * As `use`, but calls `query` again with another connection if the connection is lost, at most as often as the pool has
   * connections: after a restart of the server every idle one may be broken. `query` must be repeatable.
   */
  useWithRetry<T>(query: (connection: PostgresConnection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// An overloaded or distant server answers within this time; linkgrant's client gives up after 10 s.
const CONNECT_MS = 3_000;
// The server cancels a statement after STATEMENT_MS; the driver closes a connection that is silent for SILENCE_MS.
const STATEMENT_MS = 5_000;
const SILENCE_MS = 7_000;
/**
 * Options of a query without the driver's time limit, for a transaction that has no `statement_timeout` either. This is the
 * longest time that a timer can have; 0 would select the limit of the connection.
 */
export const WITHOUT_TIME_LIMIT = { query_timeout: 2 ** 31 - 1 };
// After this time the server releases the locks of a dead process. The event loop of a live process is not blocked this long.
const IDLE_IN_TRANSACTION_MS = 3_000;
const LOCK_MS = 4_000;
const MAX_CONNECTIONS = 6;
// After a fail-over, bounds how long connections stay with a server that is no longer the primary.
const LIFETIME_S = 300;

// Overrides settings of the server, the database and the role.
const SESSION = `SET synchronous_commit = on;
  SET default_transaction_isolation = 'read committed';
  SET default_transaction_read_only = off;
  SET statement_timeout = ${STATEMENT_MS};
  SET lock_timeout = ${LOCK_MS};
  SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS};
  SET client_min_messages = warning;
  SET search_path = linkgrant`;
const IS_STANDBY = 'SELECT pg_is_in_recovery() AS standby';

/** Returns integers as numbers (times in milliseconds are far below 2^53), and JSON as text. */
const TYPES = new pg.TypeOverrides();
TYPES.setTypeParser(pg.types.builtins.INT8, Number);
TYPES.setTypeParser(pg.types.builtins.JSON, String);

/** Creates a pool whose connections are opened on demand, to the first host of the target that is a primary. */
export function openConnections(target: PostgresTarget, max = MAX_CONNECTIONS): PostgresConnections {
  const { hosts } = target;
  let hostIndex = 0;
  const server = () => hosts[hostIndex % hosts.length] as PostgresHost;
  const serverOptions = () => ({ ...server(), ssl: target.tls(server()) });
  const pool = new pg.Pool({
    ...serverOptions(),
    database: target.database,
    user: target.user,
    // A function: the password is in no printed options, and the driver does not search for password files.
    password: async () => target.password(server()) ?? '',
    application_name: 'linkgrant',
    ...(target.options !== undefined && { options: target.options }),
    types: TYPES,
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: SILENCE_MS,
    max,
    maxLifetimeSeconds: LIFETIME_S,
    onConnect: (client) => prepareSession(client, target),
  });
  // Without a listener, an idle connection that breaks would end the process.
  pool.on('error', () => undefined);

  function useServer(): void {
    try {
      Object.assign(pool.options, serverOptions());
    } catch (error) {
      throw toStoreError(error, target);
    }
  }

  async function connect(): Promise<PostgresConnection> {
    let failure: unknown;
    for (let tried = 0; tried < hosts.length; tried += 1) {
      const attempted = hostIndex;
      try {
        return await pool.connect();
      } catch (error) {
        // A refusal by one server is more useful than the failure to reach another one.
        if (failure === undefined || sqlState(error) !== undefined) failure = error;
        // Needed even with a single host: useServer reads the TLS files again, which may have been replaced.
        if (hostIndex === attempted) {
          hostIndex += 1;
          useServer();
        }
      }
    }
    throw toStoreError(failure, target);
  }

  async function run<T>(
    connection: PostgresConnection,
    use: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    let broken: Error | undefined;
    // The driver emits the error of a broken connection here, besides rejecting the pending query.
    const onBreak = (error: Error): void => {
      broken = error;
    };
    connection.on('error', onBreak);
    try {
      return await use(connection);
    } catch (error) {
      const storeError = broken ? connectionLostError(broken, target) : toStoreError(error, target);
      if (failureOf(storeError) === 'lost') broken = storeError as Error;
      throw storeError;
    } finally {
      connection.off('error', onBreak);
      connection.release(broken);
    }
  }

  return {
    use: async (use) => run(await connect(), use),
    async useWithRetry(use) {
      for (let retriesLeft = max; ; retriesLeft -= 1) {
        const connection = await connect();
        try {
          return await run(connection, use);
        } catch (error) {
          if (retriesLeft === 0 || failureOf(error) !== 'lost') throw error;
        }
      }
    },
    close: () => pool.end(),
  };
}

/** Applies the session settings to a new connection. Rejects for a standby. */
async function prepareSession(client: pg.ClientBase, target: PostgresTarget): Promise<void> {
  await client.query(SESSION);
  const { rows } = await client.query<{ standby: boolean }>(IS_STANDBY);
  if (rows[0]?.standby) {
    throw new StandbyError(
      `the store ${target.displayUrl} is a standby, which can only be read`,
      'put the primary, or all servers separated by commas, into the URL of --store',
    );
  }
}

function connectionLostError(cause: Error, target: PostgresTarget): ConnectionLostError {
  return new ConnectionLostError(`no connection to the store ${target.displayUrl}`, { cause });
}

/** Turns connection errors of the driver and of Node, which have no type of their own, into ConnectionLostError. */
function toStoreError(error: unknown, target: PostgresTarget): unknown {
  if (!(error instanceof Error) || error instanceof RedemptionError || sqlState(error) !== undefined)
    return error;
  // Errors with a path are about files.
  const isOfNode = 'code' in error && typeof error.code === 'string' && !('path' in error);
  // The driver throws plain Errors; all other errors here have a class.
  return isOfNode || error.constructor === Error ? connectionLostError(error, target) : error;
}
