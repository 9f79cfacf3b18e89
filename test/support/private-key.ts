import type { KeyObject } from 'node:crypto';
import { generateKey, readPrivateKey, type ServerKeyType } from '../../src/pki/keys.js';

/** Generates a private key as an object. */
export async function generatePrivateKey(type: ServerKeyType): Promise<KeyObject> {
  return readPrivateKey((await generateKey(type)).keyPem);
}
