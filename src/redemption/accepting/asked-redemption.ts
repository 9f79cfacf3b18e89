import { grantState } from '../../domain/access-grant.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { StoredCode } from '../ports/code-store.js';
import { policyRefusal } from './check-policy.js';
import type { ProvenCode } from './prove-code.js';
import type { RequestedKey } from './requested-key.js';
import { type StockReplay, stockReplayKey } from './stock-replay.js';

/** Seconds after which a site that accepts no link now may: time to bring it up, short enough for a waiting client. */
export const RETRY_AFTER_S = 30;

// How far the clock of the issuer of a signed code may be ahead (RFC 7519 §4.1.5).
const LEEWAY_MS = 60_000;

/** A proven request with everything that it asks for decided. */
export interface AskedRedemption extends ProvenCode {
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly code: Uint8Array;
  readonly renews: boolean;
  readonly key: RequestedKey;
}

/** How often the presented code can be redeemed in all. */
export function usesOf({ grant, signedCode }: ProvenCode): number {
  return signedCode?.uses ?? grant.redemptionsAllowed;
}

/** What an earlier answer to the same request is found by; undefined where none is given again. */
export function replayKeyOf(asked: AskedRedemption, stockReplay: StockReplay): string | undefined {
  const { grant, signedCode, key, name, subject, peer } = asked;
  // A code that a person chose may be weak, so nothing is sealed under it.
  const isSingleUse = usesOf(asked) === 1 && (signedCode !== undefined || !grant.codeChosen);
  const own =
    key.made === 'by-client'
      ? `key:${key.request.keySha256}`
      : stockReplayKey({ isSingleUse, name, subject, peer }, stockReplay);
  return own !== undefined && signedCode ? `code:${signedCode.jti}:${own}` : own;
}

/**
 * Why a request that is no replay is refused before anything is issued for it; undefined if it is not. `known` is what
 * the store keeps of its signed code.
 */
export function earlyRefusal(
  { grant, signedCode, name, subject, peer, key }: AskedRedemption,
  known: StoredCode | undefined,
  now: number,
): Refusal | undefined {
  const state = grantState(grant, now);
  if (state === 'pending') return { refused: 'link_access_unavailable', retryAfter: RETRY_AFTER_S };
  if (state === 'expired') return { refused: 'grant_expired' };
  if (state === 'exhausted') return { refused: 'grant_exhausted' };
  if (signedCode && signedCode.expirationTime <= now) return { refused: 'code_expired' };
  if (known && known.used >= known.uses) return { refused: 'code_exhausted' };
  if (signedCode?.subject !== undefined && signedCode.subject !== subject)
    return { refused: 'policy_subject' };
  const { issuedAt = 0, notBefore: validFrom = 0 } = signedCode ?? {};
  const notBefore = Math.max(grant.policy.notBefore ?? 0, validFrom - LEEWAY_MS, issuedAt - LEEWAY_MS);
  if (now < notBefore) {
    return { refused: 'not_yet_valid', retryAfter: Math.ceil((notBefore - now) / 1000) };
  }
  const csr = key.made === 'by-client';
  const refused = policyRefusal(grant.policy, { name, subject, peer, keyType: key.keyType, csr });
  return refused && { refused };
}
