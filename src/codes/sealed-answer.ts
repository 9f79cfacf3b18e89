import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
// Names the one use of keys derived here: a key for anything else must be derived under other words.
const KEY_PURPOSE = 'linkgrant sealed answer v1';

function sealingKey(code: Uint8Array, grantUid: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', code, grantUid, KEY_PURPOSE, 32));
}

/**
 * Encrypts what is kept of an answer so that only the code opens it: AES-256-GCM under HKDF-SHA256 of the code, salted
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

/** What {@link sealAnswer} sealed, or undefined if code, grant, redemption or a single bit is another. */
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
