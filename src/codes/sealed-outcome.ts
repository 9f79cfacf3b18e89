import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { MasterKey } from './signing-keys.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
// Names the one use of keys derived here: a key for anything else must be derived under other words.
const KEY_PURPOSE = 'linkgrant outcome v1';

/** What a creation is known by: whoever asks for it, and what he calls it. */
export interface OutcomeName {
  readonly kind: 'grant' | 'token';
  readonly caller: string;
  readonly key: string;
}

/** The name as it is kept: a SHA-256 in hex, of which nothing can be told. */
export function outcomeId({ kind, caller, key }: OutcomeName): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, caller, key]))
    .digest('hex');
}

/** Seals the code of what is created, and tells requests apart, under the service's master key and the name together. */
export class OutcomeSeal {
  readonly #key: Uint8Array;
  readonly #bound: Buffer;

  constructor(master: MasterKey, name: OutcomeName) {
    const id = outcomeId(name);
    this.#key = new Uint8Array(hkdfSync('sha256', master.key, JSON.stringify(name), KEY_PURPOSE, 32));
    this.#bound = Buffer.from(id);
  }

  /** A text that only the same request has; a guess at the request cannot be tried without the keys. */
  fingerprint(request: string): string {
    return createHmac('sha256', this.#key).update(request).digest('hex');
  }

  /** AES-256-GCM: nonce (12 bytes), ciphertext, tag (16 bytes). */
  seal(code: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    cipher.setAAD(this.#bound);
    return Buffer.concat([nonce, cipher.update(code, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** What {@link seal} sealed; undefined if a single bit is another. */
  open(sealed: Uint8Array): string | undefined {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const tagStart = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.#bound);
    decipher.setAuthTag(sealed.subarray(tagStart));
    const opened = decipher.update(sealed.subarray(NONCE_BYTES, tagStart));
    try {
      return Buffer.concat([opened, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}
