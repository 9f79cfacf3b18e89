import { challengeOf, readSignedCode } from '../../codes/signed-code.js';
import { needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { OWN_KEY_TYPE } from '../../domain/policy.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { generateKey, isP256Key, readPrivateKey, spkiOf } from '../../pki/keys.js';
import { createCertificateRequest } from '../../pki/requests.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { LinkRequestStore } from '../ports/link-requests.js';
import { findLinkRequest, removeLinkRequest } from './waiting-requests.js';

/** SHA-256 over the public key that a token is bound to, lower-case hex; undefined for a token that any key may redeem. */
export function boundKeyOf({ code }: Pick<RedeemableToken, 'code'>): string | undefined {
  return readSignedCode(code)?.keySha256;
}

/**
 * Returns the PEM of a new key. For a bound token returns `keyPem`, or by default the key of its waiting request; rejects with
 * `key_missing` if that is not its key.
 */
export async function keyFor(
  { token, keyPem }: { readonly token: RedeemableToken; readonly keyPem?: string | undefined },
  linkRequests: LinkRequestStore | undefined,
): Promise<string> {
  const bound = boundKeyOf(token);
  if (bound === undefined) return (await generateKey(OWN_KEY_TYPE)).keyPem;
  const found = keyPem ?? (linkRequests && (await findLinkRequest(bound, linkRequests)))?.keyPem;
  if (found !== undefined && isKeyFor(token, found)) return found;
  throw new RedemptionError('key_missing', missingKeyMessage(keyPem, linkRequests));
}

function missingKeyMessage(keyPem: string | undefined, linkRequests: LinkRequestStore | undefined): string {
  if (keyPem !== undefined) return 'The token is bound to another key than this one.';
  return linkRequests
    ? `The token is bound to a key, and no request in ${linkRequests.place} has this key.`
    : 'The token is bound to a key. Redeem it with `linkgrant join` where the request was made.';
}

/** True if a stored key can redeem the token: the key that it is bound to, or else a key of the type of linkgrant's own keys. */
export function isKeyFor(token: RedeemableToken, keyPem: string): boolean {
  const bound = boundKeyOf(token);
  return bound === undefined ? isP256Key(keyPem) : keySha256Of(keyPem) === bound;
}

/** True for a token that is checked with its key too: one that is bound to a key, or that is redeemed with an identity. */
export function isKeyProven(token: RedeemableToken): boolean {
  return needsIdentity(token) || boundKeyOf(token) !== undefined;
}

/** Returns the DER of the certificate request for a key; that for a bound token names its code. */
export function csrFor(
  token: RedeemableToken,
  keyPem: string,
  { name, subject = name }: { readonly name: string; readonly subject?: string | undefined },
): Uint8Array {
  const challenge = boundKeyOf(token) === undefined ? undefined : challengeOf(token.code);
  return createCertificateRequest(readPrivateKey(keyPem), subject, challenge);
}

/** Removes the waiting request with this key, if there is one: a link has the key now. */
export async function removeRequestOf(
  bound: string | undefined,
  linkRequests: LinkRequestStore | undefined,
): Promise<void> {
  if (bound === undefined || !linkRequests) return;
  const request = await findLinkRequest(bound, linkRequests);
  if (request) await removeLinkRequest(request.subject, linkRequests);
}

function keySha256Of(keyPem: string): string | undefined {
  try {
    return sha256Hex(spkiOf(readPrivateKey(keyPem)));
  } catch {
    return undefined;
  }
}
