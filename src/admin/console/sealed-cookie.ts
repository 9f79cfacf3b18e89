import { hash } from 'node:crypto';
import { EncryptJWT, type JWTPayload, jwtDecrypt } from 'jose';
import { deriveKey } from '../../codes/sealing.js';
import type { MasterKey } from '../../codes/signing-keys.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { CodeKeys } from '../../redemption/ports/code-keys.js';

/**
 * Encrypts claims into a cookie: a JWE with `dir` and A256GCM, under a key derived from a master key of the service
 * (HKDF-SHA256) for this purpose alone. Every process and replica with these master keys can open it.
 */
export class SealedCookie<Claims extends object> {
  readonly #info: string;
  readonly #keys: CodeKeys;
  readonly #clock: Clock;

  /** A cookie can be opened only with the `configuration` that sealed it, so a change of the configuration ends all sessions. */
  constructor(purpose: 'session' | 'sign-in', keys: CodeKeys, clock: Clock, configuration = '') {
    this.#info = `linkgrant console ${purpose} v1 ${hash('sha256', configuration)}`;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** Returns the value of a cookie that can be opened for `lifetimeMs`. */
  async seal(claims: Claims, lifetimeMs: number): Promise<string> {
    const master = await this.#keys.current();
    const end = new Date(this.#clock() + lifetimeMs);
    return new EncryptJWT(claims as JWTPayload)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: master.kid })
      .setExpirationTime(end)
      .encrypt(this.#keyOf(master));
  }

  /** Returns the claims of a cookie; undefined if it has expired, is not authentic, or its master key was removed. */
  async open(cookie: string): Promise<Claims | undefined> {
    try {
      const { payload } = await jwtDecrypt<Claims>(
        cookie,
        async ({ kid }) => {
          const master = await this.#keys.find(String(kid));
          if (!master) throw new Error('the master key was removed');
          return this.#keyOf(master);
        },
        {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          requiredClaims: ['exp'],
          currentDate: new Date(this.#clock()),
        },
      );
      return payload;
    } catch {
      return undefined;
    }
  }

  #keyOf({ key }: MasterKey): Uint8Array {
    return deriveKey(key, '', this.#info);
  }
}
