import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { extensionsField } from './certificate-extensions.js';
import { TAG } from './der.js';
import { bitString, constructed, element } from './der-encoding.js';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './signature-algorithm.js';

const VERSION_3 = constructed(0xa0, [element(TAG.integer, Buffer.of(2))]);
const FIRST_GENERALIZED = Date.UTC(2050, 0, 1);
/** The last moment that a certificate's time can tell (RFC 5280 §4.1.2.5), milliseconds since the epoch. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A random positive serial number of 16 bytes, the first never zero, so that its hex always has 32 digits. */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  return serial;
}

/** DER of a time in whole seconds, rounded down: UTCTime before 2050, GeneralizedTime from then on (RFC 5280 §4.1.2.5). */
export function encodeTime(time: number): Uint8Array {
  const iso = new Date(Math.min(time, LAST_TIME)).toISOString();
  const rest = `${iso.slice(5, 7)}${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
  return time < FIRST_GENERALIZED
    ? element(TAG.utcTime, iso.slice(2, 4) + rest)
    : element(TAG.generalizedTime, iso.slice(0, 4) + rest);
}

const signInPool = promisify(sign);
// RSA and P-384 take a millisecond; these take a twentieth of that, less than to hand the work to another thread.
const SIGNED_AT_ONCE: ReadonlySet<SignatureAlgorithm> = new Set([
  SIGNATURE_ALGORITHMS.p256[0],
  SIGNATURE_ALGORITHMS.ed25519[0],
]);

async function signatureOf(
  data: Uint8Array,
  key: KeyObject,
  algorithm: SignatureAlgorithm,
): Promise<Uint8Array> {
  const { digest } = algorithm;
  return SIGNED_AT_ONCE.has(algorithm) ? sign(digest, data, key) : signInPool(digest, data, key);
}

/** What a certificate says; names, key and extensions are DER, times milliseconds since the epoch. */
export interface CertificateContent {
  readonly serial: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly spkiDer: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Uint8Array[];
}

/** DER of an X.509 v3 certificate with this content, signed with `key` (RFC 5280 §4.1). */
export async function signCertificate(
  content: CertificateContent,
  key: KeyObject,
  algorithm: SignatureAlgorithm,
): Promise<Uint8Array> {
  const tbsDer = constructed(TAG.sequence, [
    VERSION_3,
    element(TAG.integer, content.serial),
    algorithm.der,
    content.issuerDer,
    constructed(TAG.sequence, [encodeTime(content.notBefore), encodeTime(content.notAfter)]),
    content.subjectDer,
    content.spkiDer,
    extensionsField(content.extensions),
  ]);
  const signature = await signatureOf(tbsDer, key, algorithm);
  return constructed(TAG.sequence, [tbsDer, algorithm.der, bitString(signature)]);
}
