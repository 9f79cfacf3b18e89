import { codeMatches } from '../../codes/opaque-code.js';
import { type SignedCode, signedCodeKid, verifySignedCode } from '../../codes/signed-code.js';
import { grantSigningKey } from '../../codes/signing-keys.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { CodeKeys } from '../ports/code-keys.js';
import type { GrantStore } from '../ports/grant-store.js';

/** Which grant a request means: by identity, or, where that is allowed, by namespace and name. */
export type GrantTarget = { readonly uid: string } | { readonly namespace: string; readonly name: string };

/** A grant whose code, or a code signed with its key, was shown. */
export interface ProvenCode {
  readonly grant: AccessGrant;
  /** What the code says, if it is a signed one. */
  readonly signedCode?: SignedCode;
}

/** A code that proved nothing, and the grant that it was shown for if there is one; for the service alone. */
export interface WrongCode extends Refusal {
  readonly guessed?: AccessGrant;
}

// What a code is compared with when a key names no grant, so that the answer costs the same.
const NO_GRANT = { uid: '00000000-0000-0000-0000-000000000000', codeHash: new Uint8Array(32) };

/**
 * The grant that `target` means, once `code` is shown to be its code, or signed with its key; comparing takes constant
 * time. By key an unknown grant and a wrong code cannot be told apart.
 */
export async function proveCode(
  target: GrantTarget,
  code: Uint8Array,
  deps: { readonly store: GrantStore; readonly codeKeys: CodeKeys },
): Promise<ProvenCode | WrongCode> {
  const byUid = 'uid' in target;
  const grant = byUid
    ? await deps.store.findGrant(target.uid)
    : await deps.store.findGrantByName(target.namespace, target.name);
  if (byUid && !grant) return { refused: 'grant_unknown' };
  const { codeHash, uid } = grant ?? NO_GRANT;
  const matches = codeMatches(codeHash, uid, code);
  const signedCode = matches ? undefined : await proveSignature(code, uid, deps.codeKeys);
  if (grant && (matches || signedCode)) return { grant, ...(signedCode && { signedCode }) };
  return { refused: byUid ? 'code_wrong' : 'grant_unknown', ...(grant && { guessed: grant }) };
}

async function proveSignature(
  code: Uint8Array,
  grantUid: string,
  codeKeys: CodeKeys,
): Promise<SignedCode | undefined> {
  const kid = signedCodeKid(code);
  const master = kid === undefined ? undefined : await codeKeys.find(kid);
  return master && verifySignedCode(code, grantUid, grantSigningKey(master, grantUid));
}
