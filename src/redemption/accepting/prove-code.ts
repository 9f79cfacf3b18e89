import { codeMatches } from '../../codes/opaque-code.js';
import { challengeOf, type SignedCode, signedCodeKid, verifySignedCode } from '../../codes/signed-code.js';
import { grantSigningKey } from '../../codes/signing-keys.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { NIL_UUID } from '../../domain/names.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { CodeKeys } from '../ports/code-keys.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IdentityProviders } from '../ports/identity-providers.js';
import { type ProvenIdentity, proveIdentity } from './identities/prove-identity.js';
import { readCsr } from './requested-key.js';

/** The grant of a request: by uid, or, if that is allowed, by namespace and name. */
export type GrantTarget = { readonly uid: string } | { readonly namespace: string; readonly name: string };

/**
 * What a client presents to prove that it may redeem: a code, and for a bound code a CSR that was made for it; or in place of the
 * code a token of an identity provider, and a CSR.
 */
export interface PresentedProof {
  /** Byte for byte. */
  readonly code: Uint8Array;
  /** Base64 of a DER PKCS#10 request (RFC 2986), not verified. */
  readonly csr?: string | undefined;
}

/** A grant whose code, or a code signed with its key, was presented, or the token of an identity that it permits. */
export interface ProvenCode {
  readonly grant: AccessGrant;
  /** For an identity, the record that counts its uses. */
  readonly signedCode?: SignedCode;
  readonly identity?: ProvenIdentity;
}

/** The refusal of a code. */
export interface WrongCode extends Refusal {
  /** The grant that the code was presented for, if it exists; not for the client. */
  readonly guessed?: AccessGrant;
  /** Which check the token of an identity failed, and the provider of its issuer; not for the client. */
  readonly reason?: string;
  readonly provider?: string | undefined;
}

// Compared with the code if no grant has the name, so that the response takes the same time.
const NO_GRANT = { uid: NIL_UUID, codeHash: new Uint8Array(32) };

/**
 * Returns the grant of `target` if `code` is its code or is signed with its key; compares in constant time. For a target by
 * namespace and name, an unknown grant and a wrong code have the same refusal code. For a bound code the proof is the code and a
 * CSR of its key that was made for it; without this CSR the refusal is `key_mismatch`. A code that replaces a redemption must also
 * be recorded as issued. A token of an identity that the grant does not permit is a wrong code, and the refusal is
 * `provider_unavailable` if it cannot be verified now.
 */
export async function proveCode(
  target: GrantTarget,
  { code, csr }: PresentedProof,
  deps: {
    readonly store: GrantStore;
    readonly codeKeys: CodeKeys;
    readonly identities?: IdentityProviders | undefined;
  },
): Promise<ProvenCode | WrongCode> {
  const byUid = 'uid' in target;
  const grant = byUid
    ? await deps.store.findGrant(target.uid)
    : await deps.store.findGrantByName(target.namespace, target.name);
  if (byUid && !grant) return { refused: 'grant_unknown' };
  const { codeHash, uid } = grant ?? NO_GRANT;
  const matches = codeMatches(codeHash, uid, code);
  const signedCode = matches ? undefined : await proveSignature(code, uid, deps.codeKeys);
  if (grant && signedCode?.keySha256 !== undefined && !isMadeFor(signedCode.keySha256, code, csr))
    return { refused: 'key_mismatch' };
  const isCode = matches || (signedCode !== undefined && (await mayReplace(signedCode, deps.store)));
  if (grant && isCode) return { grant, ...(signedCode && { signedCode }) };
  const refused = byUid ? 'code_wrong' : 'grant_unknown';
  const identity = await proveIdentity(grant, code, csr, deps.identities);
  return identity
    ? provenByIdentity(identity, grant, refused)
    : { refused, ...(grant && { guessed: grant }) };
}

function provenByIdentity(
  proof: NonNullable<Awaited<ReturnType<typeof proveIdentity>>>,
  grant: AccessGrant | undefined,
  refused: 'code_wrong' | 'grant_unknown',
): ProvenCode | WrongCode {
  if ('identity' in proof) return proof;
  return {
    refused: proof.check === 'unavailable' ? 'provider_unavailable' : refused,
    reason: `the identity token ${proof.failed}`,
    provider: proof.provider,
    // No guess of a code that a user supplied.
    ...(grant && { guessed: { ...grant, isUserSuppliedCode: false } }),
  };
}

function isMadeFor(keySha256: string, code: Uint8Array, csr: string | undefined): boolean {
  const request = csr === undefined ? undefined : readCsr(csr);
  if (!request || 'invalid' in request) return false;
  return request.keySha256 === keySha256 && request.challenge === challengeOf(code);
}

/**
 * True if the code replaces no redemption, or if the service issued it: the store then has its id, with the same expiration and
 * subject. The signature is no proof of that: a holder of an exported signing key can sign any claims, also with the
 * id of an issued code.
 */
async function mayReplace(
  { grantUid, jti, expirationTime, subject, replaces }: SignedCode,
  store: Pick<GrantStore, 'findCode'>,
): Promise<boolean> {
  if (replaces === undefined) return true;
  const recorded = await store.findCode(grantUid, jti);
  if (recorded === undefined || recorded.issuedAt === null) return false;
  return recorded.expirationTime === expirationTime && recorded.subject === subject;
}

/** Returns the claims of a code that is signed with the key of this grant; undefined for any other code. */
export async function proveSignature(
  code: Uint8Array,
  grantUid: string,
  codeKeys: CodeKeys,
): Promise<SignedCode | undefined> {
  const kid = signedCodeKid(code);
  const master = kid === undefined ? undefined : await codeKeys.find(kid);
  return master && verifySignedCode(code, grantUid, grantSigningKey(master, grantUid));
}
