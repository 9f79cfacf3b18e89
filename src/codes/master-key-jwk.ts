import type { MasterKey } from './signing-keys.js';

/** A master key as it is kept: a JSON Web Key of type `oct` (RFC 7518 §6.4), with the time when it was made. */
export function encodeMasterKey({ kid, key }: MasterKey, createdAt: number): string {
  const k = Buffer.from(key).toString('base64url');
  return JSON.stringify({ kty: 'oct', alg: 'HS256', kid, k, createdAt: new Date(createdAt).toISOString() });
}

/** The master key in a text; `createdAt` is NaN where that is not told. Throws where the text of `source` is no such key. */
export function decodeMasterKey(text: string, source: string): MasterKey & { readonly createdAt: number } {
  const { kty, kid, k, createdAt } = jwkOf(text);
  const key = typeof k === 'string' ? Buffer.from(k, 'base64url') : Buffer.alloc(0);
  if (kty !== 'oct' || typeof kid !== 'string' || key.length < 32) {
    throw new Error(`${source} is no key for signing codes`);
  }
  return { kid, key, createdAt: Date.parse(String(createdAt)) };
}

function jwkOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    // What it holds may be a key, and is not repeated.
    return {};
  }
}
