import { formatTime } from '../../../domain/rfc3339.js';
import type { AttemptTotal, RedemptionEntry } from '../../ports/ledger-store.js';

/** An entry of the ledger, or a total of attempts, in JSON. The members depend on `kind`. */
export interface EventReport {
  /** Absent for an entry about the whole store. */
  readonly grantUid?: string;
  /** Absent for a total of attempts. */
  readonly seq?: number;
  /** When it happened; in a total, when the last attempt happened. */
  readonly time: string;
  readonly kind: string;
  readonly redemptionId?: string;
  readonly name?: string;
  readonly subject?: string;
  readonly peer?: string;
  readonly jti?: string;
  /** Number of the renewal, in an entry about a renewal. */
  readonly number?: number;
  readonly serial?: string;
  readonly keySha256?: string;
  readonly certificateSha256?: string;
  readonly notAfter?: string;
  /** In an entry about a grant. */
  readonly redemptionsAllowed?: number;
  /** How many redemptions a signed code allows, in an entry about the code. */
  readonly uses?: number;
  /** In an entry about a grant or a signed code. */
  readonly expirationTime?: string;
  /** Name of the store setting that was changed. */
  readonly setting?: string;
  /** Why a client was refused repeatedly. */
  readonly code?: string;
  /** Number of attempts, in a total, or of refusals. */
  readonly count?: number;
  /** Time of the first attempt, in a total. */
  readonly firstTime?: string;
}

/** Returns the report of an entry. */
export function entryReport({ grantUid, seq, at, kind, redemptionId, detail }: RedemptionEntry): EventReport {
  const { notAfter, expirationTime, ...rest } = detail;
  return {
    ...(grantUid !== '' && { grantUid }),
    ...(seq !== undefined && { seq }),
    time: formatTime(at),
    kind,
    ...(redemptionId !== null && { redemptionId }),
    ...rest,
    ...(notAfter !== undefined && { notAfter: formatTime(Number(notAfter)) }),
    ...(expirationTime !== undefined && { expirationTime: formatTime(Number(expirationTime)) }),
  };
}

/** Returns the report of a total of attempts. */
export function attemptTotalReport(attempts: AttemptTotal): EventReport {
  const { grantUid, code, name, subject, peer, count, firstAt, lastAt } = attempts;
  const time = formatTime(lastAt);
  return { grantUid, time, kind: code, name, subject, peer, count, firstTime: formatTime(firstAt) };
}
