import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { MasterKey } from './signing-keys.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
// Separates these keys from keys for other purposes (HKDF info).
const KEY_PURPOSE = 'linkgrant outcome v1';

/** Identifies a creation: its kind, its caller and the caller's idempotency key. */
export interface OutcomeName {
  readonly kind: 'grant' | 'token';
  readonly caller: string;
  readonly key: string;
}

/** Returns the stored form of a name: its SHA-256 in hex, so that the store does not contain the name. */
export function outcomeId({ kind, caller, key }: OutcomeName): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, caller, key]))
    .digest('hex');
}

/** Seals the code of a creation, and fingerprints its request, under a key derived from the master key and the name. */
export class OutcomeSeal {
  readonly #key: Uint8Array;
  readonly #associatedData: Buffer;

  constructor(master: MasterKey, name: OutcomeName) {
    const id = outcomeId(name);
    this.#key = new Uint8Array(hkdfSync('sha256', master.key, JSON.stringify(name), KEY_PURPOSE, 32));
    this.#associatedData = Buffer.from(id);
  }

  /** Returns a text that only the same request has; without the key, guesses of the request cannot be tested. */
  fingerprint(request: string): string {
    return createHmac('sha256', this.#key).update(request).digest('hex');
  }

  /** AES-256-GCM: nonce (12 bytes), ciphertext, tag (16 bytes). */
  seal(code: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    cipher.setAAD(this.#associatedData);
    return Buffer.concat([nonce, cipher.update(code, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** Opens what {@link seal} sealed; undefined if any bit differs. */
  open(sealed: Uint8Array): string | undefined {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const tagStart = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.#associatedData);
    decipher.setAuthTag(sealed.subarray(tagStart));
    const opened = decipher.update(sealed.subarray(NONCE_BYTES, tagStart));
    try {
      return Buffer.concat([opened, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}
