import { codeMatches } from '../codes/opaque-code.js';
import type { AccessGrant } from '../domain/access-grant.js';
import type { Refusal } from '../domain/redemption-error.js';
import type { GrantStore } from './grant-store.js';

/** Which grant a request means: by identity, or, where that is allowed, by namespace and name. */
export type GrantTarget = { readonly uid: string } | { readonly namespace: string; readonly name: string };

// What a code is compared with when a key names no grant, so that the answer costs the same.
const NO_GRANT = { uid: '00000000-0000-0000-0000-000000000000', codeHash: new Uint8Array(32) };

/**
 * The grant that `target` means, once `code` is shown to be its code; the comparison takes constant time. By key an
 * unknown grant and a wrong code cannot be told apart.
 */
export async function proveCode(
  store: GrantStore,
  target: GrantTarget,
  code: Uint8Array,
): Promise<AccessGrant | Refusal> {
  if ('uid' in target) {
    const grant = await store.findGrant(target.uid);
    if (!grant) return { refused: 'grant_unknown' };
    return codeMatches(grant.codeHash, grant.uid, code) ? grant : { refused: 'code_wrong' };
  }
  const grant = await store.findGrantByName(target.namespace, target.name);
  const { codeHash, uid } = grant ?? NO_GRANT;
  const matches = codeMatches(codeHash, uid, code);
  return grant && matches ? grant : { refused: 'grant_unknown' };
}
