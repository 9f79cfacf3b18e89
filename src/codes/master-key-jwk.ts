import type { MasterKey } from './signing-keys.js';

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
