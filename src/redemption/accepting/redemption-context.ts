import { grantRefusal } from '../../domain/access-grant.js';
import type { LabelsAndNote } from '../../domain/labels-and-note.js';
import { sourceOf } from '../../domain/peer-address.js';
import type { Refusal } from '../../domain/redemption-error.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { StoredCode } from '../ports/code-store.js';
import type { RequestingClient } from './accepting-side.js';
import { policyRefusal } from './check-policy.js';
import type { ProvenCode } from './prove-code.js';
import type { RequestedKey } from './requested-key.js';
import type { StockReplay } from './stock-replay.js';

// How far the clock of the process that issued a signed code may be ahead (RFC 7519 §4.1.5).
const LEEWAY_MS = 60_000;

/** A proven redemption request with its defaults applied. */
export interface RedemptionContext extends ProvenCode {
  readonly client: RequestingClient;
  /** When the request was received, in the unit of `performance.now()`. */
  readonly receivedAt: number;
  readonly name: string;
  readonly subject: string;
  readonly code: Uint8Array;
  readonly renews: boolean;
  readonly key: RequestedKey;
  /** Those of the redemption that this one replaces; empty if it replaces none. */
  readonly labelsAndNote: LabelsAndNote;
}

/** How often the presented code can be redeemed in all. */
export function usesOf({ grant, signedCode, identity }: ProvenCode): number {
  return identity?.uses ?? signedCode?.uses ?? grant.redemptionsAllowed;
}

/**
 * Returns the key by which repetitions of a request are found; undefined if it cannot be replayed. Without a CSR, only single-use
 * codes that no user supplied are replayed, only for the same name and subject, and with `bindSource` only for the same source.
 */
export function replayKeyOf(context: RedemptionContext, stockReplay: StockReplay): string | undefined {
  const { grant, signedCode, key, name, subject, client } = context;
  const prefix = signedCode ? `code:${signedCode.jti}:` : '';
  if (key.generatedBy === 'client') return `${prefix}key:${key.request.keySha256}`;
  if (usesOf(context) !== 1 || stockReplay.windowMs === 0) return undefined;
  // A user-supplied code may be weak, so no private key is encrypted with it.
  if (grant.isUserSuppliedCode && !signedCode) return undefined;
  const source = stockReplay.bindSource ? sourceOf(client.peer) : '';
  return `${prefix}stock:${sha256Hex([name, subject, source].join('\0'))}`;
}

/** Returns when the presented code becomes valid, in milliseconds since the epoch; 0 if it always was. */
export function validFrom({ grant, signedCode }: ProvenCode): number {
  const { issuedAt = 0, notBefore = 0 } = signedCode ?? {};
  return Math.max(grant.policy.notBefore ?? 0, notBefore - LEEWAY_MS, issuedAt - LEEWAY_MS);
}

/**
 * Returns why no certificate may be issued for a request that is not a replay; undefined if one may. Does not check the
 * revocation of the signed code, whose stored record is `storedCode`.
 */
export function earlyRefusal(
  context: RedemptionContext,
  storedCode: StoredCode | undefined,
  now: number,
): Refusal | undefined {
  const { grant, signedCode, identity, name, subject, client, key } = context;
  const refusalByGrant = grantRefusal(grant, now);
  if (refusalByGrant) return refusalByGrant;
  if (signedCode && signedCode.expirationTime <= now) return { refused: 'code_expired' };
  if (storedCode && storedCode.used >= (identity?.uses ?? storedCode.uses))
    return { refused: 'code_exhausted' };
  if (signedCode?.subject !== undefined && signedCode.subject !== subject)
    return { refused: 'policy_subject' };
  if (grant.policy.identityRequired && !identity && signedCode?.keySha256 === undefined)
    return { refused: 'policy_identity_required' };
  const notBefore = validFrom(context);
  if (now < notBefore) {
    return { refused: 'not_yet_valid', retryAfter: Math.ceil((notBefore - now) / 1000) };
  }
  const csr = key.generatedBy === 'client';
  const refused = policyRefusal(grant.policy, {
    name,
    subject,
    peer: client.isOperator ? undefined : client.peer,
    keyType: key.keyType,
    csr,
  });
  return refused && { refused };
}
