import { hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { formatTime } from '../domain/rfc3339.js';
import { DerReader, TAG } from './der.js';
import { bitString, element, encodeConstructed, oid, unsignedInteger } from './der-encoding.js';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './keys.js';

const VERSION_3 = encodeConstructed(0xa0, [element(TAG.integer, Buffer.of(2))]);
const FIRST_GENERALIZED = Date.UTC(2050, 0, 1);
/** The latest time that a certificate can contain (RFC 5280 §4.1.2.5), milliseconds since the epoch. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Returns a random positive serial number of 16 bytes. The first byte is never zero, so that the hex always has 32 digits. */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  return serial;
}

/** DER of a time in whole seconds, rounded down: UTCTime before 2050, GeneralizedTime from then on (RFC 5280 §4.1.2.5). */
export function encodeTime(time: number): Uint8Array {
  const digits = formatTime(Math.min(time, LAST_TIME)).replace(/[-:T]/g, '');
  return time < FIRST_GENERALIZED
    ? element(TAG.utcTime, digits.slice(2))
    : element(TAG.generalizedTime, digits);
}

const signInPool = promisify(sign);

async function signatureOf(
  data: Uint8Array,
  key: KeyObject,
  algorithm: SignatureAlgorithm,
): Promise<Uint8Array> {
  const { digest } = algorithm;
  // Signing with RSA or P-384 takes a millisecond. P-256 takes a twentieth of that: less than the use of another thread.
  const isFast = algorithm === SIGNATURE_ALGORITHMS.p256[0];
  return isFast ? sign(digest, data, key) : signInPool(digest, data, key);
}

/** The content of a certificate. Names, key and extensions are DER, times milliseconds since the epoch. */
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
  const tbsDer = encodeConstructed(TAG.sequence, [
    VERSION_3,
    element(TAG.integer, content.serial),
    algorithm.der,
    content.issuerDer,
    encodeConstructed(TAG.sequence, [encodeTime(content.notBefore), encodeTime(content.notAfter)]),
    content.subjectDer,
    content.spkiDer,
    extensionsField(content.extensions),
  ]);
  const signature = await signatureOf(tbsDer, key, algorithm);
  return encodeConstructed(TAG.sequence, [tbsDer, algorithm.der, bitString(signature)]);
}

/** Object identifiers of the extensions of RFC 5280 §4.2.1 and §5.2 that linkgrant writes or reads. */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Object identifiers of the two purposes (RFC 5280 §4.2.1.12) that certificates are issued for. */
export const PURPOSE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Bit numbers of KeyUsage (RFC 5280 §4.2.1.3). */
export const KEY_USAGE = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, crlSign: 6 } as const;

/** The validity of a certificate begins this many milliseconds before it is issued, to allow for slow clocks. */
export const BACKDATED_MS = 5 * 60_000;

type ExtensionName = keyof typeof EXTENSION;

const IDENTIFIERS = Object.fromEntries(
  Object.entries(EXTENSION).map(([name, dotted]) => [name, oid(dotted)]),
) as Record<ExtensionName, Uint8Array>;

/** DER of an extension whose value is DER. */
function extension(name: ExtensionName, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [element(TAG.boolean, Buffer.of(0xff))] : [];
  return encodeConstructed(TAG.sequence, [IDENTIFIERS[name], ...flag, element(TAG.octetString, value)]);
}

/** Critical basicConstraints; an authority gets no limit on the length of paths below it. */
export function basicConstraints(isAuthority: boolean): Uint8Array {
  const content = isAuthority ? [element(TAG.boolean, Buffer.of(0xff))] : [];
  return extension('basicConstraints', true, encodeConstructed(TAG.sequence, content));
}

/** Critical keyUsage of the given bits, all of them among the first eight. */
export function keyUsage(...bits: readonly number[]): Uint8Array {
  const octet = bits.reduce((octets, bit) => octets | (0x80 >> bit), 0);
  // DER leaves trailing zero bits out of a list of named bits (X.690 §11.2.2).
  const unused = 7 - Math.max(...bits);
  return extension('keyUsage', true, element(TAG.bitString, Buffer.of(unused, octet)));
}

/** Returns basicConstraints, keyUsage and subjectKeyIdentifier of a CA certificate; its issuer adds authorityKeyIdentifier. */
export function authorityExtensions(spkiDer: Uint8Array): Uint8Array[] {
  return [
    basicConstraints(true),
    keyUsage(KEY_USAGE.keyCertSign, KEY_USAGE.crlSign),
    subjectKeyIdentifier(keyIdentifier(spkiDer)),
  ];
}

/** extendedKeyUsage of one purpose. */
export function extendedKeyUsage(purpose: string): Uint8Array {
  return extension('extendedKeyUsage', false, encodeConstructed(TAG.sequence, [oid(purpose)]));
}

/** Key identifier of a public key: the first 160 bits of SHA-256 over its bits (RFC 7093 §2, method 1). */
export function keyIdentifier(spkiDer: Uint8Array): Uint8Array {
  const spki = new DerReader(spkiDer).enter(TAG.sequence);
  spki.read(TAG.sequence);
  return hash('sha256', spki.readBits(), 'buffer').subarray(0, 20);
}

/** subjectKeyIdentifier. */
export function subjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return extension('subjectKeyIdentifier', false, element(TAG.octetString, identifier));
}

/** authorityKeyIdentifier with the key identifier only, without the issuer's name and serial number (RFC 5280 §4.2.1.1). */
export function authorityKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return extension(
    'authorityKeyIdentifier',
    false,
    encodeConstructed(TAG.sequence, [element(0x80, identifier)]),
  );
}

/** cRLNumber (RFC 5280 §5.2.3) of a safe integer that is not negative. */
export function crlNumber(number: number): Uint8Array {
  const hex = number.toString(16);
  return extension('crlNumber', false, unsignedInteger(hex.padStart(hex.length + (hex.length % 2), '0')));
}

/** A name that a certificate is valid for: a DNS name or a URI as ASCII text, or the 4 or 16 bytes of an IP address. */
export type AlternativeName =
  | { readonly dns: string }
  | { readonly uri: string }
  | { readonly ip: Uint8Array };

function generalName(name: AlternativeName): Uint8Array {
  if ('dns' in name) return element(0x82, name.dns);
  return 'uri' in name ? element(0x86, name.uri) : element(0x87, name.ip);
}

/** subjectAltName of at least one name. */
export function subjectAltName(names: readonly AlternativeName[]): Uint8Array {
  return extension('subjectAltName', false, encodeConstructed(TAG.sequence, names.map(generalName)));
}

/** The extensions field of a certificate, from extensions that are encoded already. */
function extensionsField(extensions: readonly Uint8Array[]): Uint8Array {
  return encodeConstructed(0xa3, [encodeConstructed(TAG.sequence, extensions)]);
}
