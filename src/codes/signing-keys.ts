import { hkdfSync, randomBytes } from 'node:crypto';
import { base64url } from 'jose';

// Names the one use of keys derived here: a key for anything else must be derived under other words.
const KEY_PURPOSE = 'linkgrant signed code v1';
const KEY_BYTES = 32;

/** A key of the service, from which each grant's own key for signing codes is derived. A secret. */
export interface MasterKey {
  /** Which one it is, among those that came before it; no secret. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** The key that signs the codes of one grant (HS256, RFC 7518 §3.2). A secret: it makes any number of tokens of that grant. */
export interface GrantSigningKey {
  /** The {@link MasterKey} that it was derived from. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** A new master key. */
export function createMasterKey(): MasterKey {
  return { kid: base64url.encode(randomBytes(9)), key: randomBytes(KEY_BYTES) };
}

/** The key of one grant: HKDF-SHA256 of the master key over the grant's uid, so that it tells nothing of any other's. */
export function grantSigningKey({ kid, key }: MasterKey, grantUid: string): GrantSigningKey {
  return { kid, key: new Uint8Array(hkdfSync('sha256', key, grantUid, KEY_PURPOSE, KEY_BYTES)) };
}
