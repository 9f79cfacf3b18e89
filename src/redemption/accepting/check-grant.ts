import { type AccessGrant, grantState } from '../../domain/access-grant.js';
import { withoutIdentityRules } from '../../domain/policy.js';
import type { StoredCode } from '../ports/code-store.js';
import type { TokenCheck } from '../ports/redemption-client.js';
import type { AcceptingSide, RequestingClient } from './accepting-side.js';
import { codeState } from './code-state.js';
import {
  type GrantTarget,
  type PresentedProof,
  type ProvenCode,
  proveCode,
  type WrongCode,
} from './prove-code.js';
import { validFrom } from './redemption-context.js';
import { requestedKey } from './requested-key.js';

/** The result of a check, with the grant. */
export interface GrantCheck extends TokenCheck {
  readonly grant: AccessGrant;
}

/** Returns the state of the grant whose code was presented, or of the signed code that was presented, without redeeming it. */
export async function checkGrant(
  target: GrantTarget,
  presented: PresentedProof,
  client: RequestingClient,
  deps: AcceptingSide,
): Promise<GrantCheck | WrongCode> {
  const proof = await proveCode(target, presented, deps);
  if ('refused' in proof) return proof;
  // The proof of an identity is its token and a CSR, which a redemption verifies too.
  const key = proof.identity && requestedKey(presented.csr, deps.keys);
  if (key && 'refused' in key) return key;
  client.onProven();
  const { grant, signedCode } = proof;
  const storedCode = signedCode && (await deps.store.findCode(grant.uid, signedCode.jti));
  const access = await deps.site.resolveAccess(grant);
  const policy = withoutIdentityRules(grant.policy);
  const serverTime = deps.clock();
  const notBefore = validFrom(proof);
  return {
    grant,
    ...checkCode(proof, storedCode, serverTime),
    endpoints: 'refused' in access ? [] : access.endpoints,
    // The `nbf` of a signed code is reported as the policy's `notBefore`.
    policy: serverTime < notBefore ? { ...policy, notBefore } : policy,
    serverTime,
  };
}

/** Returns the state and the limits of a code or of an identity that was proven. */
export function checkCode(
  proof: ProvenCode,
  storedCode: StoredCode | undefined,
  now: number,
): Pick<TokenCheck, 'state' | 'redemptions' | 'redemptionsAllowed' | 'expirationTime'> {
  const { grant, signedCode } = proof;
  if (!signedCode) {
    const { redemptions, redemptionsAllowed, expirationTime } = grant;
    return { state: grantState(grant, now), redemptions, redemptionsAllowed, expirationTime };
  }
  const { used = 0, revokedAt = null } = storedCode ?? {};
  const uses = proof.identity?.uses ?? storedCode?.uses ?? signedCode.uses;
  const { expirationTime } = signedCode;
  return {
    state: codeState(grant, { uses, used, expirationTime, revokedAt }, now),
    redemptions: used,
    redemptionsAllowed: uses,
    expirationTime: grant.expirationTime && Math.min(grant.expirationTime, expirationTime),
  };
}
