import type { AccessGrant } from '../../../domain/access-grant.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { codeState } from '../../accepting/code-state.js';
import type { StoredCode } from '../../ports/code-store.js';
import type { Schemas } from './api-schemas.js';

/** A signed token in JSON, without its code. */
export type TokenReport = Schemas['Token'];

/** Returns the report at `now` of a signed token of `grant`. */
export function tokenReport(grant: AccessGrant, code: StoredCode, now: number): TokenReport {
  const { jti, uses, used, expirationTime, subject, issuedAt, revokedAt } = code;
  return {
    id: jti,
    grant: grant.name,
    namespace: grant.namespace,
    grantUid: grant.uid,
    state: codeState(grant, code, now),
    redemptions: used,
    redemptionsAllowed: uses,
    // A token cannot be redeemed after its grant has expired.
    expirationTime: formatTime(Math.min(expirationTime, grant.expirationTime ?? expirationTime)),
    ...(subject !== null && { subject }),
    ...(issuedAt !== null && { issuedAt: formatTime(issuedAt) }),
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
  };
}
