import { hkdfSync, randomBytes } from 'node:crypto';
import { base64url } from 'jose';

// Separates these keys from keys for other purposes (HKDF info).
const KEY_PURPOSE = 'linkgrant signed code v1';
const KEY_BYTES = 32;

/** A key of the service, from which each grant's own key for signing codes is derived. A secret. */
export interface MasterKey {
  /** Its id; not a secret. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** The key that signs the codes of one grant (HS256, RFC 7518 §3.2). A secret: it signs any number of tokens of that grant. */
export interface GrantSigningKey {
  /** The {@link MasterKey} that it was derived from. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Generates a master key. */
export function createMasterKey(): MasterKey {
  return { kid: base64url.encode(randomBytes(9)), key: randomBytes(KEY_BYTES) };
}

/** Derives the key of one grant: HKDF-SHA256 of the master key over the grant's uid. It reveals nothing about other keys. */
export function grantSigningKey({ kid, key }: MasterKey, grantUid: string): GrantSigningKey {
  return { kid, key: new Uint8Array(hkdfSync('sha256', key, grantUid, KEY_PURPOSE, KEY_BYTES)) };
}
