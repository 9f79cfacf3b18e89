import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import { decodePemBody, encodePem } from './pem.js';
import { PRIVATE_KEY_FORMS, privateKeyProblem } from './private-key-shape.js';

/** Types of the keys that the service generates, as in the configuration. */
export type ServerKeyType = 'p256' | 'rsa2048';

const MAX_PEM_BYTES = 64 * 1024;
const PRIVATE_KEY_BEGIN = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----/;

/** A new key pair: the private key as PEM in PKCS#8, the public key as DER of its SubjectPublicKeyInfo. */
export interface NewKey {
  readonly keyPem: string;
  readonly spkiDer: Uint8Array;
}

async function generateRsa(): Promise<NewKey> {
  const { privateKey: keyPem, publicKey: spkiDer } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicExponent: 65537,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { keyPem, spkiDer };
}

/**
 * Generates a key pair: RSA with exponent 65537 in the thread pool (45 to 250 ms of CPU), P-256 synchronously (less than 0.1 ms).
 */
export async function generateKey(type: ServerKeyType): Promise<NewKey> {
  if (type !== 'p256') return generateRsa();
  const { pkcs8Der, spkiDer } = generateP256();
  return { keyPem: encodePem('PRIVATE KEY', pkcs8Der), spkiDer };
}

/** DER of the SubjectPublicKeyInfo of a private key. */
export function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** PEM of a private key in PKCS#8, unencrypted. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Reads the first private key in a PEM text: RSA of 2048 to 4096 bits, P-256, P-384, P-521 or Ed25519, in PKCS#1, PKCS#8 or
 * SEC1, unencrypted. Throws an Error that names the defect and quotes nothing of the text.
 */
export function readPrivateKey(pem: string): KeyObject {
  if (pem.length > MAX_PEM_BYTES) throw new Error('the private key file is larger than 64 KiB');
  const begin = PRIVATE_KEY_BEGIN.exec(pem);
  if (!begin) throw new Error('there is no PEM private key (PKCS#1, PKCS#8 or SEC1) in it');
  const label = begin[1] ?? '';
  const bodyAt = begin.index + begin[0].length;
  const endAt = pem.indexOf(`-----END ${label}-----`, bodyAt);
  if (endAt < 0) throw new Error('the private key is cut off');
  const body = pem.slice(bodyAt, endAt);
  if (!isUnencryptedLabel(label) || body.includes('Proc-Type: 4,ENCRYPTED')) {
    throw new Error('the private key is encrypted; decrypt it first (openssl pkey -in FILE -out FILE)');
  }
  let problem: string | undefined;
  try {
    const form = PRIVATE_KEY_FORMS[label];
    const der = decodePemBody(body);
    problem = privateKeyProblem(form, der);
    // DER, because OpenSSL could find another key in the PEM text than the one that was checked.
    if (problem === undefined) return createPrivateKey({ key: der, format: 'der', type: form });
  } catch {
    // Not the cause: OpenSSL's message about a key must not be logged.
    throw new Error('the private key cannot be read');
  }
  throw new Error(`the private key is ${problem}`);
}

function isUnencryptedLabel(label: string): label is keyof typeof PRIVATE_KEY_FORMS {
  return label in PRIVATE_KEY_FORMS;
}

const P256_BYTES = 32;
// The constant bytes before the private number and the public point of a P-256 key: a PKCS#8 structure (RFC 5958 §2) around an
// ECPrivateKey (RFC 5915 §3), and a SubjectPublicKeyInfo (RFC 5480 §2).
const PKCS8_BEFORE_NUMBER = Buffer.from(
  '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420',
  'hex',
);
const PKCS8_BEFORE_POINT = Buffer.from('a144034200', 'hex');
const SPKI_BEFORE_POINT = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** Generates a P-256 key pair in DER: the private key as PKCS#8, the public key as SubjectPublicKeyInfo. */
function generateP256(): { readonly pkcs8Der: Uint8Array; readonly spkiDer: Uint8Array } {
  // Node's own key generation spends most of its time on encoding.
  const pair = createECDH('prime256v1');
  const point = pair.generateKeys();
  const number = pair.getPrivateKey();
  // Node omits leading zeros, the encoding requires them.
  const padding = Buffer.alloc(P256_BYTES - number.length);
  return {
    pkcs8Der: Buffer.concat([PKCS8_BEFORE_NUMBER, padding, number, PKCS8_BEFORE_POINT, point]),
    spkiDer: Buffer.concat([SPKI_BEFORE_POINT, point]),
  };
}

/** How a key signs: Node's name of the digest (null if the kind of key determines it), and the DER of the algorithm. */
export interface SignatureAlgorithm {
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null;
  /** DER of the AlgorithmIdentifier (RFC 5758 §3.2, RFC 4055 §5, RFC 8410 §3). */
  readonly der: Uint8Array;
}

function algorithm(digest: SignatureAlgorithm['digest'], hex: string): SignatureAlgorithm {
  return { digest, der: Buffer.from(hex, 'hex') };
}

/** The algorithms accepted in requests, by the kind of key; linkgrant signs with the first of each kind. */
export const SIGNATURE_ALGORITHMS = {
  p256: [
    algorithm('sha256', '300a06082a8648ce3d040302'),
    algorithm('sha384', '300a06082a8648ce3d040303'),
    algorithm('sha512', '300a06082a8648ce3d040304'),
  ],
  p384: [
    algorithm('sha384', '300a06082a8648ce3d040303'),
    algorithm('sha256', '300a06082a8648ce3d040302'),
    algorithm('sha512', '300a06082a8648ce3d040304'),
  ],
  rsa: [
    algorithm('sha256', '300d06092a864886f70d01010b0500'),
    algorithm('sha384', '300d06092a864886f70d01010c0500'),
    algorithm('sha512', '300d06092a864886f70d01010d0500'),
  ],
  ed25519: [algorithm(null, '300506032b6570')],
} as const satisfies Record<string, readonly SignatureAlgorithm[]>;

/** Returns the kind of a private or public key, undefined if linkgrant does not use it. The size is not checked. */
export function keyKind(key: KeyObject): keyof typeof SIGNATURE_ALGORITHMS | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'rsa';
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined;
  return curve === 'prime256v1' ? 'p256' : curve === 'secp384r1' ? 'p384' : undefined;
}

/** Returns the algorithm that this key signs with. Throws TypeError unless the key is P-256, P-384, RSA or Ed25519. */
export function signatureAlgorithmOf(key: KeyObject): SignatureAlgorithm {
  const kind = keyKind(key);
  if (!kind) throw new TypeError('a key of this kind cannot sign');
  return SIGNATURE_ALGORITHMS[kind][0];
}

/** True if a private key belongs to a certificate, both PEM. Throws an Error if one of them cannot be read. */
export function isKeyOf(certificatePem: string, keyPem: string): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(readPrivateKey(keyPem));
}

/** True for the PEM of a usable private key of P-256. */
export function isP256Key(pem: string): boolean {
  try {
    return keyKind(readPrivateKey(pem)) === 'p256';
  } catch {
    return false;
  }
}
