import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { AdministrationError } from '../../domain/administration-error.js';
import { parseJsonText } from '../../domain/json-text.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { withFileErrors } from '../../files/file-error.js';
import { fileVersion } from '../../files/file-version.js';
import type { BearerKeys } from './bearer.js';

const ASYMMETRIC_KEY_TYPES = ['RSA', 'EC', 'OKP'];

/**
 * Reads keys from a JWKS file (RFC 7517), again when it changes. While the file cannot be read, every token is
 * refused. Throws UnreadableFileError if the file cannot be read at start.
 */
export function jwksFile(file: string): BearerKeys {
  let version = '';
  let keys = createLocalJWKSet({ keys: [] });
  const load = () => {
    const found = withFileErrors(file, () => fileVersion(file));
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
      throw new AdministrationError('identity_unavailable', 'the JWKS file of the admin API cannot be read', {
        cause,
      });
    }
    return keys(header, token);
  };
}

function readKeys(file: string): JSONWebKeySet {
  const text = readBoundedText(file);
  return withFileErrors(file, () => {
    const set = parseJsonText(text);
    const keys = (set as Partial<JSONWebKeySet> | null)?.keys;
    if (!Array.isArray(keys) || keys.length === 0)
      throw new Error('it is not a JWKS: expected an object whose "keys" is a list with at least one key');
    // A file that only verifies signatures must not contain private or symmetric keys.
    const isPublic = keys.every(
      (key) => ASYMMETRIC_KEY_TYPES.includes(String(key?.kty)) && key.d === undefined,
    );
    if (!isPublic)
      throw new Error(
        'it contains a private or symmetric key; only public RSA, EC and OKP keys are accepted',
      );
    return { keys };
  });
}
