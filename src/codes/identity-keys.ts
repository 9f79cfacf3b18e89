import { hash, KeyObject } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import { importJWK } from 'jose/key/import';
import { parseJsonText } from '../domain/json-text.js';

/** The public keys that each signature algorithm uses (RFC 7518 §3.1, RFC 8037 §3.1); `crv` is absent for RSA. */
const ALGORITHMS = {
  RS256: { kty: 'RSA', crv: undefined },
  PS256: { kty: 'RSA', crv: undefined },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
} as const;

/** A signature algorithm that identity tokens may have: with a public key only. */
export type IdentityAlgorithm = keyof typeof ALGORITHMS;

/** A public key of an identity provider. */
export interface IdentityKey {
  readonly kid: string;
  /** SHA-256 over its SubjectPublicKeyInfo, hex. A thumbprint (RFC 7638) would differ for two encodings of one key. */
  readonly keySha256: string;
  /** The key as each algorithm that it permits uses it. */
  readonly byAlgorithm: ReadonlyMap<IdentityAlgorithm, CryptoKey>;
}

// A provider publishes a few keys; each one is imported at once.
const MAX_KEYS = 100;
// Of the kid in a log line.
const MAX_KID_LENGTH = 200;

/** True for an algorithm that identity tokens may have. */
export function isIdentityAlgorithm(name: unknown): name is IdentityAlgorithm {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name);
}

/**
 * Reads the keys of a provider from a JWKS (RFC 7517). Ignores keys for other algorithms and uses, and calls `onSkipped` with the kid
 * of each key that is malformed. Rejects with an Error whose message is the end of a sentence if it is no JWKS, has no usable key, or
 * has a private or symmetric key.
 */
export async function readIdentityKeys(
  text: string,
  onSkipped: (kid: string, reason: string) => void = () => {},
): Promise<readonly IdentityKey[]> {
  const set = parseJsonText(text) as { readonly keys?: unknown } | null;
  if (!Array.isArray(set?.keys)) throw new Error('it is not a JWKS: expected an object with a list "keys"');
  if (set.keys.length > MAX_KEYS) throw new Error(`it has more than ${MAX_KEYS} keys`);
  const keys: IdentityKey[] = [];
  for (const jwk of set.keys as readonly (JWK | null)[]) {
    if (jwk?.kty === 'oct' || jwk?.d !== undefined)
      throw new Error('it contains a private or symmetric key; only public keys are accepted');
    try {
      const key = await readKey(jwk ?? {});
      if (key) keys.push(key);
    } catch (error) {
      const kid = typeof jwk?.kid === 'string' ? jwk.kid.slice(0, MAX_KID_LENGTH) : '';
      onSkipped(kid, (error as Error).message);
    }
  }
  if (keys.length === 0)
    throw new Error(`it has no key with a kid for ${Object.keys(ALGORITHMS).join(', ')}`);
  return keys;
}

/** Returns the key; undefined if it has no kid, or is for other algorithms or uses. */
async function readKey({ kid, ...jwk }: JWK): Promise<IdentityKey | undefined> {
  const byAlgorithm = await importKey(jwk);
  const [key] = byAlgorithm.values();
  if (typeof kid !== 'string' || !key) return undefined;
  const spki = KeyObject.from(key).export({ type: 'spki', format: 'der' });
  return { kid, keySha256: hash('sha256', spki), byAlgorithm };
}

async function importKey(jwk: JWK): Promise<ReadonlyMap<IdentityAlgorithm, CryptoKey>> {
  const imported = new Map<IdentityAlgorithm, CryptoKey>();
  if (jwk.use !== undefined && jwk.use !== 'sig') return imported;
  for (const [algorithm, { kty, crv }] of Object.entries(ALGORITHMS)) {
    if (jwk.kty !== kty || jwk.crv !== crv || (jwk.alg !== undefined && jwk.alg !== algorithm)) continue;
    imported.set(algorithm as IdentityAlgorithm, (await importJWK(jwk, algorithm)) as CryptoKey);
  }
  return imported;
}
