import { randomBytes } from 'node:crypto';
import { deriveKey } from './sealing.js';

const KEY_PURPOSE = 'linkgrant signed code v1';

/** A key of the service, from which each grant's own key for signing codes is derived. A secret. */
export interface MasterKey {
  /** Its id; not a secret. */
  readonly kid: string;
  /** At least 32 bytes. */
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
  return { kid: randomBytes(9).toString('base64url'), key: randomBytes(32) };
}

/** Derives the key of one grant: HKDF-SHA256 of the master key over the grant's uid. It reveals nothing about other keys. */
export function grantSigningKey({ kid, key }: MasterKey, grantUid: string): GrantSigningKey {
  return { kid, key: deriveKey(key, grantUid, KEY_PURPOSE) };
}

/** Encodes a master key as a JSON Web Key of type `oct` (RFC 7518 §6.4), with its creation time. */
export function encodeMasterKey({ kid, key }: MasterKey, createdAt: number): string {
  const k = Buffer.from(key).toString('base64url');
  return JSON.stringify({ kty: 'oct', alg: 'HS256', kid, k, createdAt: new Date(createdAt).toISOString() });
}

/** Decodes a master key; `createdAt` is NaN if the text has none. Throws if the text of `source` is not such a key. */
export function decodeMasterKey(text: string, source: string): MasterKey & { readonly createdAt: number } {
  const { kty, kid, k, createdAt } = jwkOf(text);
  const key = typeof k === 'string' ? Buffer.from(k, 'base64url') : Buffer.alloc(0);
  if (kty !== 'oct' || typeof kid !== 'string' || key.length < 32) {
    throw new Error(`${source} is not a key for signing codes`);
  }
  return { kid, key, createdAt: Date.parse(String(createdAt)) };
}

function jwkOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    // Do not quote the text, it may contain a key.
    return {};
  }
}
