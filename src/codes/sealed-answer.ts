import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
// Separates these keys from keys for other purposes (HKDF info).
const KEY_PURPOSE = 'linkgrant sealed answer v1';

function sealingKey(code: Uint8Array, grantUid: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', code, grantUid, KEY_PURPOSE, 32));
}

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
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, sealingKey(o.code, o.grantUid), nonce);
  cipher.setAAD(Buffer.from(o.redemptionId, 'utf8'));
  return Buffer.concat([nonce, cipher.update(o.plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what {@link sealAnswer} sealed; undefined if the code, grant, redemption or any bit differs. */
export function openAnswer(o: {
  readonly code: Uint8Array;
  readonly grantUid: string;
  readonly redemptionId: string;
  readonly sealed: Uint8Array;
}): Uint8Array | undefined {
  if (o.sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const tagStart = o.sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(
    CIPHER,
    sealingKey(o.code, o.grantUid),
    o.sealed.subarray(0, NONCE_BYTES),
    { authTagLength: TAG_BYTES },
  );
  decipher.setAAD(Buffer.from(o.redemptionId, 'utf8'));
  decipher.setAuthTag(o.sealed.subarray(tagStart));
  const opened = decipher.update(o.sealed.subarray(NONCE_BYTES, tagStart));
  try {
    return Buffer.concat([opened, decipher.final()]);
  } catch {
    return undefined;
  }
}
