import { formatTime } from '../../../domain/rfc3339.js';
import type { AttemptTotal, RedemptionEntry } from '../../ports/ledger-store.js';
import type { WrongCodes } from '../../ports/wrong-code-store.js';
import type { Schemas } from './api-schemas.js';

/** An entry of the ledger, or a total of attempts, in JSON. The members depend on `kind`. */
export type EventReport = Schemas['Event'];

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

/** Returns the report of requests with a wrong code. */
export function wrongCodesReport({ count, lastAt, lastPeer }: WrongCodes): Schemas['WrongCodes'] {
  return { count, last: formatTime(lastAt), peer: lastPeer };
}
