import { statSync } from 'node:fs';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { AdministrationError } from '../../domain/administration-error.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { reading } from '../../files/file-error.js';
import type { BearerKeys } from './bearer.js';

const PUBLIC_KINDS = ['RSA', 'EC', 'OKP'];

/**
 * Reads keys from a JWKS file (RFC 7517), again when it changes. While the file is unusable every token is refused.
 * Throws UnreadableFileError if it is unusable now.
 */
export function jwksFile(file: string): BearerKeys {
  let version = '';
  let keys = createLocalJWKSet({ keys: [] });
  const load = () => {
    const { mtimeMs, size, ino } = reading(file, () => statSync(file));
    const found = `${mtimeMs} ${size} ${ino}`;
    if (found === version) return;
    keys = createLocalJWKSet(readKeys(file));
    version = found;
  };
  load();
  return (header, token) => {
    try {
      load();
    } catch (cause) {
      version = '';
      throw new AdministrationError('identity_unavailable', 'the file of public keys cannot be used now', {
        cause,
      });
    }
    return keys(header, token);
  };
}

function readKeys(file: string): JSONWebKeySet {
  const text = readBoundedText(file);
  return reading(file, () => {
    const set: unknown = JSON.parse(text);
    const keys = (set as Partial<JSONWebKeySet> | null)?.keys;
    if (!Array.isArray(keys) || keys.length === 0)
      throw new Error('it is no JWKS, an object with a list of keys');
    // A file that only verifies signatures must not contain private or symmetric keys.
    const isPublic = keys.every((key) => PUBLIC_KINDS.includes(String(key?.kty)) && key.d === undefined);
    if (!isPublic) throw new Error('it has a key that is no public key of RSA, EC or OKP');
    return { keys };
  });
}
