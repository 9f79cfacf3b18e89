import { createECDH, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { bitString, element, encodeConstructed, oid, unsignedInteger } from '../../src/pki/der-encoding.js';
import { encodeCommonName } from '../../src/pki/distinguished-name.js';
import { encodeCertificatePem } from '../../src/pki/pem.js';
import type { TestIdentity } from './server-identity.js';

const SEQUENCE = 0x30;
const UTC_TIME = 0x17;
const OCTET_STRING = 0x04;
const BOOLEAN = 0x01;
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;
const IP_ADDRESS = 0x87;
const NULL = element(0x05, Buffer.alloc(0));

/** Keys whose signatures take long to verify. The first three are not accepted; the others are the slowest accepted ones. */
export type SlowKey = 'dsa-10000' | 'rsa-3072-long-exponent' | 'k571' | 'rsa-4096' | 'p521';

const sequence = (...parts: Uint8Array[]) => encodeConstructed(SEQUENCE, parts);
const number = (bytes: Uint8Array) => unsignedInteger(Buffer.from(bytes).toString('hex'));

/** Random, odd, and with its highest bit set. */
function bigNumber(bits: number): Uint8Array {
  const bytes = randomBytes(bits / 8);
  bytes.writeUInt8(bytes.readUInt8(0) | 0x80, 0);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) | 1, bytes.length - 1);
  return bytes;
}

/** Random and positive, and smaller than a {@link bigNumber} of the same length. */
function smaller(bytes: number): Uint8Array {
  const value = randomBytes(bytes);
  value.writeUInt8((value.readUInt8(0) & 0x3f) | 0x20, 0);
  return value;
}

const DSA_P = bigNumber(10_000);
const KINDS = {
  'dsa-10000': {
    signedWith: sequence(oid('2.16.840.1.101.3.4.3.2')),
    spki: () =>
      sequence(
        sequence(
          oid('1.2.840.10040.4.1'),
          sequence(number(DSA_P), number(bigNumber(256)), number(smaller(1_250))),
        ),
        bitString(number(smaller(1_250))),
      ),
    signature: () => sequence(number(smaller(32)), number(smaller(32))),
  },
  'rsa-3072-long-exponent': {
    signedWith: sequence(oid('1.2.840.113549.1.1.11'), NULL),
    spki: () =>
      sequence(
        sequence(oid('1.2.840.113549.1.1.1'), NULL),
        bitString(sequence(number(bigNumber(3_072)), number(smaller(384)))),
      ),
    signature: () => smaller(384),
  },
  k571: {
    signedWith: sequence(oid('1.2.840.10045.4.3.2')),
    spki: () =>
      sequence(
        sequence(oid('1.2.840.10045.2.1'), oid('1.3.132.0.38')),
        bitString(createECDH('sect571k1').generateKeys()),
      ),
    signature: () => sequence(number(smaller(70)), number(smaller(70))),
  },
  'rsa-4096': {
    signedWith: sequence(oid('1.2.840.113549.1.1.13'), NULL),
    spki: () =>
      sequence(
        sequence(oid('1.2.840.113549.1.1.1'), NULL),
        bitString(sequence(number(bigNumber(4_096)), number(Buffer.from('ffffffff', 'hex')))),
      ),
    signature: () => smaller(512),
  },
  p521: {
    signedWith: sequence(oid('1.2.840.10045.4.3.4')),
    spki: () =>
      sequence(
        sequence(oid('1.2.840.10045.2.1'), oid('1.3.132.0.35')),
        bitString(createECDH('secp521r1').generateKeys()),
      ),
    signature: () => sequence(number(smaller(65)), number(smaller(65))),
  },
} as const;

function certificate(
  kind: SlowKey,
  name: string,
  spki: Uint8Array,
  sign: (tbs: Uint8Array) => Uint8Array,
  issuer = name,
  names: readonly Uint8Array[] = [],
): string {
  const { signedWith } = KINDS[kind];
  const tbs = sequence(
    encodeConstructed(VERSION, [number(Buffer.of(2))]),
    number(smaller(8)),
    signedWith,
    encodeCommonName(issuer),
    sequence(element(UTC_TIME, '200101000000Z'), element(UTC_TIME, '490101000000Z')),
    encodeCommonName(name),
    spki,
    encodeConstructed(EXTENSIONS, [
      sequence(
        sequence(
          oid('2.5.29.19'),
          element(BOOLEAN, Buffer.of(0xff)),
          element(OCTET_STRING, sequence(element(BOOLEAN, Buffer.of(0xff)))),
        ),
        ...names,
      ),
    ]),
  );
  return encodeCertificatePem(sequence(tbs, signedWith, bitString(sign(tbs))));
}

/**
 * PEM of CA certificates that all have the name `name` and random signatures: each could have signed any other, so all pairs
 * have to be tried.
 */
export function slowCertificates(kind: SlowKey, count: number, name: string): string[] {
  return Array.from({ length: count }, () =>
    certificate(kind, name, KINDS[kind].spki(), KINDS[kind].signature),
  );
}

/**
 * PEM of CA certificates that all have the name `name`. Each is signed with the P-521 key of the next one; the key that signed
 * the last one is in none of them. So a search for a root tries all pairs.
 */
export function endlessChain(count: number, name: string): string[] {
  const keys = Array.from({ length: count + 1 }, () => generateKeyPairSync('ec', { namedCurve: 'P-521' }));
  return keys
    .slice(0, -1)
    .map(({ publicKey }, at) =>
      certificate('p521', name, publicKey.export({ type: 'spki', format: 'der' }), (tbs) =>
        sign('sha512', tbs, (keys[at + 1] as (typeof keys)[number]).privateKey),
      ),
    );
}

/**
 * A server identity whose certificate is below a chain of `count` CAs with such keys, each with another name, so that OpenSSL
 * verifies the whole chain. The signatures are random. `ca` is the last CA.
 */
export function slowIdentity(kind: SlowKey, count: number): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { spki, signature } = KINDS[kind];
  const leaf = publicKey.export({ type: 'spki', format: 'der' });
  const chain = [leaf, ...Array.from({ length: count }, spki)].map((key, depth) =>
    certificate(kind, `slow ${depth}`, key, signature, `slow ${depth + 1}`),
  );
  return {
    cert: chain.join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    ca: chain.at(-1) as string,
  };
}

/** A server identity for 127.0.0.1 like {@link slowIdentity}, with 30 CAs, whose chain verifies against `ca`. */
export function validSlowIdentity(): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'sect571k1' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signWithKey = (tbs: Uint8Array) => sign('sha256', tbs, privateKey);
  const address = element(OCTET_STRING, sequence(element(IP_ADDRESS, Buffer.of(127, 0, 0, 1))));
  const names = [sequence(oid('2.5.29.17'), address)];
  const chain = [server.publicKey, ...Array.from({ length: 30 }, () => publicKey)].map((key, depth) => {
    const spki = key.export({ type: 'spki', format: 'der' });
    const issuer = `slow ${depth + 1}`;
    return certificate('k571', `slow ${depth}`, spki, signWithKey, issuer, depth === 0 ? names : []);
  });
  return {
    cert: chain.join(''),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    ca: chain.at(-1) as string,
  };
}
