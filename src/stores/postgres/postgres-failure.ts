import pg from 'pg';
import type { StoreFailure } from '../sql/store-failure.js';
import { StoreOpenError } from '../store-open-error.js';

// By code, or by its class (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const BY_CODE: Readonly<Record<string, StoreFailure>> = {
  // Serialization failure and deadlock.
  '40': 'busy',
  // A lock was not available in time.
  '55P03': 'busy',
  // A statement took too long, or was cancelled.
  '57014': 'busy',
  // Too many connections.
  '53300': 'lost',
  '53': 'full',
  '08': 'lost',
  // The server does not accept the user.
  '28': 'lost',
  '3D': 'lost',
  // Shut down, crashed, starting up, or ended by an administrator.
  '57': 'lost',
  // The session was idle in a transaction for too long, or the transaction took too long: both end the connection.
  '25P03': 'lost',
  '25P04': 'lost',
  // Read-only transaction: a standby, or a primary that became one.
  '25006': 'lost',
  // A prepared statement that a pooler or a restart has dropped.
  '26': 'lost',
  // The server's disk or memory.
  '58': 'lost',
  XX: 'lost',
};

/** Returns the SQLSTATE of an error of the server; undefined for every other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** A connection that broke or could not be opened; replaces such errors of the driver and of Node. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** Returns the kind of failure of an error of the database. */
export function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreOpenError || error instanceof ConnectionLostError) return 'lost';
  const code = sqlState(error);
  if (code === undefined) return 'statement';
  return BY_CODE[code] ?? BY_CODE[code.slice(0, 2)] ?? 'statement';
}

/** Whether an error of a COMMIT reports that the transaction was rolled back, and did not end the connection. */
export function isRolledBack(error: unknown): boolean {
  // The severity is not compared, because it is in the language of the server. An error that ended the connection arrives as
  // ConnectionLostError, with any SQLSTATE.
  return sqlState(error) !== undefined && failureOf(error) !== 'lost';
}
