import { deriveKey, open, seal } from './sealing.js';

const KEY_PURPOSE = 'linkgrant sealed answer v1';

/**
 * Encrypts the stored part of an answer so that only the code opens it: AES-256-GCM under HKDF-SHA256 of the code, salted
 * with the grant's uid, bound to the redemption's id. Layout: nonce (12 bytes), ciphertext, tag (16 bytes).
 */
export function sealAnswer(o: {
  readonly code: Uint8Array;
  readonly grantUid: string;
  readonly redemptionId: string;
  readonly plaintext: Uint8Array;
}): Uint8Array {
  return seal(deriveKey(o.code, o.grantUid, KEY_PURPOSE), o.redemptionId, o.plaintext);
}

/** Decrypts what {@link sealAnswer} encrypted; undefined if the code, grant, redemption or any bit differs. */
export function openAnswer(o: {
  readonly code: Uint8Array;
  readonly grantUid: string;
  readonly redemptionId: string;
  readonly sealed: Uint8Array;
}): Uint8Array | undefined {
  return open(deriveKey(o.code, o.grantUid, KEY_PURPOSE), o.redemptionId, o.sealed);
}
