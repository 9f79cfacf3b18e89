import type { Actor } from '../../../domain/actor.js';
import type { ListedKind } from '../../../domain/ledger-kind.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { ListedEntry } from '../../ports/ledger-store.js';
import type { WrongCodes } from '../../ports/wrong-code-store.js';

/** An entry of the ledger, or a total of attempts, in JSON. The members depend on `kind`. Times are RFC 3339, hashes in hex. */
export interface EventReport extends Partial<Actor> {
  /** Absent in an entry about the whole store. */
  readonly grantUid?: string;
  /** Name of the grant, also of a deleted one; absent if it is not known, and in the entries of one redemption. */
  readonly grant?: string;
  /** Number of the entry in the ledger of its grant, from 1; absent in a total. */
  readonly seq?: number;
  /** When it happened; for a total the last time. */
  readonly time: string;
  /** A kind of ledger entry, or `refused` for a total of refusals. */
  readonly kind: ListedKind;
  readonly redemptionId?: string;
  readonly name?: string;
  readonly subject?: string;
  /** Address of the client. */
  readonly peer?: string;
  /** Address of the client that redeemed with an identity before another one presented another key (`identity_conflict`). */
  readonly firstPeer?: string;
  /** Id of a signed token. */
  readonly jti?: string;
  /** Id of the redemption that a new one replaces. */
  readonly replaces?: string;
  /** Id of the redemption that replaced this one. */
  readonly replacedBy?: string;
  /** Number of a renewal. */
  readonly number?: number;
  readonly serial?: string;
  readonly keySha256?: string;
  readonly certificateSha256?: string;
  readonly notAfter?: string;
  /** Of a grant that was created or changed. */
  readonly redemptionsAllowed?: number;
  /** Of a signed token. */
  readonly uses?: number;
  /** Of a grant or a signed token. */
  readonly expirationTime?: string;
  /** Key of a setting of the store. */
  readonly setting?: string;
  /** Why a client was refused, an error code. */
  readonly code?: string;
  /** Number of attempts in a total. */
  readonly count?: number;
  /** The first time in a total. */
  readonly firstTime?: string;
}

/** Requests with a wrong code for a grant, in JSON. */
export interface WrongCodesReport {
  readonly count: number;
  /** When the last one arrived, RFC 3339. */
  readonly last: string;
  /** Address of its client. */
  readonly peer: string;
}

/** Returns the report of an entry, or of a total of attempts. */
export function entryReport({
  grantUid,
  grantName,
  seq,
  at,
  kind,
  redemptionId,
  detail,
}: ListedEntry): EventReport {
  const { notAfter, expirationTime, firstAt, ...rest } = detail;
  return {
    ...(grantUid !== '' && { grantUid }),
    ...(grantName !== undefined && { grant: grantName }),
    ...(seq !== undefined && { seq }),
    time: formatTime(at),
    kind,
    ...(redemptionId !== null && { redemptionId }),
    ...rest,
    ...(notAfter !== undefined && { notAfter: formatTime(Number(notAfter)) }),
    ...(expirationTime !== undefined && { expirationTime: formatTime(Number(expirationTime)) }),
    ...(firstAt !== undefined && { firstTime: formatTime(Number(firstAt)) }),
  };
}

/** Returns the report of requests with a wrong code. */
export function wrongCodesReport({ count, lastAt, lastPeer }: WrongCodes): WrongCodesReport {
  return { count, last: formatTime(lastAt), peer: lastPeer };
}
