import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair as generateInPool,
  type KeyObject,
} from 'node:crypto';
import { generateP256 } from './p256-key.js';
import { encodePem } from './pem.js';

/** Key types that the service makes itself, as configuration spells them. */
export type ServerKeyType = 'p256' | 'rsa2048';

const LONGEST_PEM = 64 * 1024;
// Half of libuv's four threads: file and DNS work of the process still gets a thread while RSA keys are being made.
const CONCURRENT_RSA_KEYS = 2;
const PRIVATE_KEY_BEGIN = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----/;

/** A new key pair: the private half as PEM in PKCS#8, the public one as DER of its SubjectPublicKeyInfo. */
export interface NewKey {
  readonly keyPem: string;
  readonly spkiDer: Uint8Array;
}

function generateRsa(): Promise<NewKey> {
  return new Promise((resolve, reject) => {
    generateInPool(
      'rsa',
      {
        modulusLength: 2048,
        publicExponent: 65537,
        publicKeyEncoding: { type: 'spki', format: 'der' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      },
      (error, spkiDer, keyPem) => {
        if (error) reject(error);
        else resolve({ keyPem, spkiDer });
      },
    );
  });
}

/** A new key: RSA with exponent 65537, made in the thread pool, or P-256, made at once. */
async function generateEncoded(type: ServerKeyType): Promise<NewKey> {
  if (type !== 'p256') return generateRsa();
  const { pkcs8Der, spkiDer } = generateP256();
  return { keyPem: encodePem('PRIVATE KEY', pkcs8Der), spkiDer };
}

/** A new private key to work with. RSA takes 45 to 250 ms, in the thread pool. */
export async function generateKeyPair(type: ServerKeyType): Promise<KeyObject> {
  // Not the object that Node's own generator gives: until that generator is collected the two share a lock, and whoever
  // asks the key for its details while the collector runs waits for it for ever (seen on Node 20.20).
  return createPrivateKey((await generateEncoded(type)).keyPem);
}

/** Makes keys on demand, RSA ones at most two at a time and with a bounded queue. */
export class KeyMaker {
  readonly #maxQueued: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `maxQueued`: how many requests for an RSA key may wait beside those that are being made. */
  constructor(o: { readonly maxQueued: number }) {
    this.#maxQueued = o.maxQueued;
  }

  /** A new key, or undefined if it is RSA and the queue is full. RSA takes 45 to 250 ms of a core, P-256 next to nothing. */
  async make(type: ServerKeyType): Promise<NewKey | undefined> {
    if (type === 'p256') return generateEncoded(type);
    if (this.#running >= CONCURRENT_RSA_KEYS) {
      if (this.#waiting.length >= this.#maxQueued) return undefined;
      // Whoever ends hands its place over, so that no newcomer overtakes the queue.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await generateEncoded(type);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/** DER of the SubjectPublicKeyInfo of a private or public key in PEM or as an object. */
export function spkiOf(key: Parameters<typeof createPublicKey>[0]): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** PEM of a private key in PKCS#8, unencrypted. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The first private key in a PEM text: PKCS#1, PKCS#8 or SEC1, unencrypted. Throws an Error that says what is wrong and
 * quotes nothing of the text.
 */
export function readPrivateKey(pem: string): KeyObject {
  if (pem.length > LONGEST_PEM) throw new Error('the private key file is larger than 64 KiB');
  const begin = PRIVATE_KEY_BEGIN.exec(pem);
  if (!begin) throw new Error('there is no PEM private key (PKCS#1, PKCS#8 or SEC1) in it');
  const label = begin[1] ?? '';
  const end = `-----END ${label}-----`;
  const endAt = pem.indexOf(end, begin.index);
  if (endAt < 0) throw new Error('the private key is cut off');
  const block = pem.slice(begin.index, endAt + end.length);
  if (label === 'ENCRYPTED PRIVATE KEY' || block.includes('Proc-Type: 4,ENCRYPTED')) {
    throw new Error('the private key is encrypted; decrypt it first (openssl pkey -in FILE -out FILE)');
  }
  try {
    return createPrivateKey({ key: block, format: 'pem' });
  } catch {
    // Not passed on as the cause: what OpenSSL says of a key has no business in a log.
    throw new Error('the private key cannot be read');
  }
}

/** True for the PEM of a usable private key. */
export function isPrivateKey(pem: string): boolean {
  try {
    readPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
