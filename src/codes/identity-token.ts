// Loading only these parts of jose makes each command start earlier.
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { compactVerify } from 'jose/jws/compact/verify';
import { compactText } from './compact-jws.js';
import type { IdentityAlgorithm, IdentityKey } from './identity-keys.js';
import { isIdentityAlgorithm } from './identity-keys.js';

/** A JWT of an identity provider (RFC 7519), whose signature is not verified. */
export interface IdentityToken {
  readonly text: string;
  readonly algorithm: IdentityAlgorithm;
  readonly kid: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Why a text that has the form of a JWT cannot be an identity token, as the end of a sentence about it. */
export interface InvalidIdentityToken {
  readonly invalid: string;
}

const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/**
 * Reads a JWT without verification: `typ` absent or `JWT`, a permitted algorithm, a `kid`, no `crit`, and no name twice in one
 * object. Keys in its header (`x5c`, `jku`, `jwk`) are ignored. Undefined for a text without the form of a compact JWS.
 */
export function readIdentityToken(code: Uint8Array): IdentityToken | InvalidIdentityToken | undefined {
  const text = compactText(code);
  if (text === undefined) return undefined;
  const [header = '', payload = ''] = text.split('.');
  let claims: unknown;
  try {
    const [headerText, claimsText] = [jsonOf(header), jsonOf(payload)];
    // Parse both texts before the search for repeated names, which takes long in a text that is no JSON.
    JSON.parse(headerText);
    claims = JSON.parse(claimsText);
    // JSON.parse would use the last of two equal names, and another program the first one (RFC 7519 §4).
    if (hasRepeatedName(headerText) || hasRepeatedName(claimsText)) return { invalid: 'repeats a claim' };
    const { alg, typ, kid, crit } = decodeProtectedHeader(text);
    if (typ !== undefined && typ !== 'JWT') return { invalid: 'is not of the type JWT' };
    if (!isIdentityAlgorithm(alg)) return { invalid: 'has an algorithm that is not permitted' };
    if (crit !== undefined) return { invalid: 'has critical header parameters' };
    if (typeof kid !== 'string') return { invalid: 'names no key (kid)' };
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
      return { invalid: 'has no claims' };
    return { text, algorithm: alg, kid, claims: claims as IdentityToken['claims'] };
  } catch {
    return { invalid: 'is not readable' };
  }
}

/** True if this key signed the token. */
export async function isSignedWith({ text, algorithm }: IdentityToken, key: IdentityKey): Promise<boolean> {
  const imported = key.byAlgorithm.get(algorithm);
  if (!imported) return false;
  try {
    await compactVerify(text, imported, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

function jsonOf(part: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'));
}

/** True if an object in this JSON text, which is valid, has two members with the same name. */
function hasRepeatedName(json: string): boolean {
  const objects: Set<string>[] = [];
  let lastString = '';
  for (const [token] of json.matchAll(JSON_TOKENS)) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (token !== ':') lastString = token;
    else {
      // Equal names can be written with different escapes.
      const name = JSON.parse(lastString) as string;
      const names = objects.at(-1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}
