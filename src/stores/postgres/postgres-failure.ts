import type { StoreFailure } from '../sql/store-failure.js';
import { StoreOpenError } from '../store-open-error.js';

// By code, or by its class (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const BY_CODE: Readonly<Record<string, StoreFailure>> = {
  // Serialization failure and deadlock: of two transactions this one gave way.
  '40': 'busy',
  // A lock was not to be had in time.
  '55P03': 'busy',
  // A statement took too long, or was cancelled.
  '57014': 'busy',
  '53100': 'full',
  '53200': 'full',
  // Too many connections: as good as away.
  '53300': 'lost',
  '53': 'full',
  '08': 'lost',
  // Nobody is let in any more.
  '28': 'lost',
  '3D': 'lost',
  // Shut down, crashed, starting up, or ended by an administrator.
  '57P': 'lost',
  '57': 'lost',
  // The session sat in a transaction for too long, and was ended.
  '25P03': 'lost',
  // A standby, or a primary that became one.
  '25006': 'lost',
  // A statement that a pooler or a restart has forgotten.
  '26': 'lost',
  // The server's disk or memory.
  '58': 'lost',
  XX: 'lost',
};

/** The SQLSTATE of an error that the server sent; undefined for every other one. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error ? error.code : undefined;
}

/** Whether an error is the server's answer that a transaction was taken back, and not one that ended the connection. */
export function isRolledBack(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR';
}

/** A connection that broke or could not be made; every such error of the driver or of Node becomes one. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

/** Sorts an error that came up while the database was used. */
export function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreOpenError || error instanceof ConnectionLostError) return 'lost';
  const code = sqlState(error);
  if (code === undefined) return 'statement';
  return BY_CODE[code] ?? BY_CODE[code.slice(0, 3)] ?? BY_CODE[code.slice(0, 2)] ?? 'statement';
}
