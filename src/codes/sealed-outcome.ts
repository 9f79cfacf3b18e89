import { createHmac, hash } from 'node:crypto';
import { deriveKey, open, seal } from './sealing.js';
import type { MasterKey } from './signing-keys.js';

const KEY_PURPOSE = 'linkgrant outcome v1';

/** Identifies a creation: its kind, its caller and the caller's idempotency key. */
export interface OutcomeName {
  readonly kind: 'grant' | 'token';
  readonly caller: string;
  readonly key: string;
}

/** Seals the code of a creation, and fingerprints its request, under a key derived from the master key and the name. */
export class OutcomeSeal {
  /** The stored form of the name: its SHA-256 in hex, so that the store does not contain the name. */
  readonly id: string;
  readonly #key: Uint8Array;

  constructor(master: MasterKey, { kind, caller, key }: OutcomeName) {
    // Named one by one, because the key must not depend on the order of properties in the caller's object.
    this.#key = deriveKey(master.key, JSON.stringify({ kind, caller, key }), KEY_PURPOSE);
    this.id = hash('sha256', JSON.stringify([kind, caller, key]));
  }

  /** Returns the HMAC-SHA256 of a request: without the key, guesses of the request cannot be tested. */
  fingerprint(request: string): string {
    return createHmac('sha256', this.#key).update(request).digest('hex');
  }

  /** Encrypts a code, bound to the name. */
  seal(code: string): Uint8Array {
    return seal(this.#key, this.id, Buffer.from(code));
  }

  /** Decrypts what {@link seal} encrypted; undefined if any bit differs. */
  open(sealed: Uint8Array): string | undefined {
    const code = open(this.#key, this.id, sealed);
    return code && Buffer.from(code).toString();
  }
}
