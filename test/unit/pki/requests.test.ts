import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type CertificateRequest,
  createCertificateRequest,
  parseCertificateRequest,
} from '../../../src/pki/requests.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { releaseAfterFile } from '../../support/release.js';
import { der as element, requestInfo, signedRequest } from './der-by-hand.js';
import { OpenSsl } from './openssl.js';
import { jwkNumber, rocaModulus, rsaKeyOfClosePrimes, unsignedRsaRequest } from './weak-rsa.js';

const openssl = releaseAfterFile(new OpenSsl());

const P256 = await generatePrivateKey('p256');
const SPKI = createPublicKey(P256).export({ type: 'spki', format: 'der' });

function opensslRequest(keyArgs: readonly string[], reqArgs: readonly string[] = []): Buffer {
  const key = openssl.write('request.key', openssl.run(keyArgs));
  return openssl.run(['req', '-new', '-key', key, '-subj', '/CN=east', '-outform', 'DER', ...reqArgs]);
}

const genpkey = (...args: string[]) => ['genpkey', ...args];
const ec = (curve: string, ...more: string[]) =>
  genpkey('-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`, ...more);
// A long key of four primes is generated in a tenth of the time; its public key has the usual form.
const rsa = (bits: number) => {
  const primes = bits < 4096 ? 2 : 4;
  const form = ['-pkeyopt', `rsa_keygen_bits:${bits}`, '-pkeyopt', `rsa_keygen_primes:${primes}`];
  return genpkey('-algorithm', 'RSA', ...form);
};

describe('a certificate request of openssl', () => {
  test.each([
    ['p256', ec('P-256')],
    ['p384', ec('P-384')],
    ['rsa', rsa(2048)],
    ['rsa', rsa(4096)],
    ['ed25519', genpkey('-algorithm', 'ED25519')],
  ])('is accepted with a key of type %s', (keyType, keyArgs) => {
    const der = opensslRequest(keyArgs);
    const spki = openssl.run(['req', '-inform', 'DER', '-noout', '-pubkey'], der);
    const spkiDer = openssl.run(['pkey', '-pubin', '-outform', 'DER'], spki);
    const sha256 = openssl.run(['dgst', '-sha256', '-r'], spkiDer).toString().slice(0, 64);
    expect(parseCertificateRequest(der)).toEqual({
      keyType,
      spkiDer: new Uint8Array(spkiDer),
      keySha256: sha256,
      commonName: 'east',
    });
  });

  test.each(['-sha256', '-sha384', '-sha512'])('is accepted when it is signed with %s', (digest) => {
    expect(parseCertificateRequest(opensslRequest(ec('P-256'), [digest]))).toMatchObject({ keyType: 'p256' });
    expect(parseCertificateRequest(opensslRequest(rsa(2048), [digest]))).toMatchObject({ keyType: 'rsa' });
  });

  test('is accepted with extensions and host names, which are ignored', () => {
    const der = opensslRequest(ec('P-256'), [
      '-addext',
      'subjectAltName=DNS:evil.example',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
    ]);
    expect(Object.keys(parseCertificateRequest(der)).sort()).toEqual([
      'commonName',
      'keySha256',
      'keyType',
      'spkiDer',
    ]);
  });

  test.each([
    ['one', 'CN=east', 'challengePassword=a-challenge', { commonName: 'east', challenge: 'a-challenge' }],
    ['none', 'CN=east', 'unstructuredName=a-name', { commonName: 'east', challenge: undefined }],
    ['one, and two names', 'O=x\nCN=east', 'challengePassword=a-challenge', { commonName: undefined }],
    [
      'one, and two common names',
      '0.CN=east\n1.CN=west',
      'challengePassword=a-challenge',
      { commonName: undefined },
    ],
  ])('is read with its subject and its challenge: %s', (_name, subject, attribute, expected) => {
    const lines = ['[req]', 'distinguished_name=dn', 'attributes=attrs', 'prompt=no'];
    const config = [...lines, '[dn]', subject, '[attrs]', attribute, ''].join('\n');
    const files = [
      '-config',
      openssl.write('request.cnf', config),
      '-key',
      openssl.write('a.key', openssl.run(ec('P-256'))),
    ];
    const der = openssl.run(['req', '-new', '-outform', 'DER', ...files]);
    const { commonName, challenge } = parseCertificateRequest(der) as Partial<CertificateRequest>;
    expect({ commonName, challenge }).toMatchObject(expected);
  });

  test.each([
    ['SHA-1', ec('P-256'), ['-sha1']],
    ['RSA-PSS', rsa(2048), ['-sigopt', 'rsa_padding_mode:pss']],
  ])('is refused when it is signed with %s', (_name, keyArgs, reqArgs) => {
    expect(parseCertificateRequest(opensslRequest(keyArgs, reqArgs))).toMatchObject({
      invalid: 'csr_invalid',
    });
  });
});

describe('a weak key', () => {
  test.each([
    ['RSA of 1024 bits', rsa(1024), 'an RSA key of 1024 bits'],
    ['RSA of 2047 bits', rsa(2047), 'an RSA key of 2047 bits'],
    ['RSA of 4104 bits', rsa(4104), 'an RSA key of 4104 bits'],
    ['P-224', ec('P-224'), 'another curve'],
    ['P-521', ec('P-521'), 'another curve'],
    ['secp256k1', ec('secp256k1'), 'another curve'],
    ['explicit parameters', ec('P-256', '-pkeyopt', 'ec_param_enc:explicit'), 'explicit curve parameters'],
    ['Ed448', genpkey('-algorithm', 'ED448'), 'a kind that is not accepted'],
    [
      'RSA-PSS',
      genpkey('-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'),
      'a kind that is not accepted',
    ],
  ])('is refused with its kind in the reason: %s', (_name, keyArgs, reason) => {
    const problem = parseCertificateRequest(opensslRequest(keyArgs));
    expect(problem).toMatchObject({ invalid: 'key_weak', reason: expect.stringContaining(reason) });
  });

  const { privateKey: rsaKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [N, E] = [jwkNumber(rsaKey, 'n'), 65537n];
  const N2040 = jwkNumber(generateKeyPairSync('rsa', { modulusLength: 2040 }).privateKey, 'n');
  const prime = jwkNumber(rsaKey, 'p');
  const OUTSIDE = 'an RSA exponent outside 65537 to 2^32';
  const SMALL_FACTOR = 'an RSA modulus with a small factor';
  const CLOSE_PRIMES = 'an RSA modulus whose primes are too close together';
  const signedWith = (publicExponent: number) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent });
    return createCertificateRequest(privateKey, 'east');
  };
  test.each<[string, () => Uint8Array, string]>([
    ['the exponent 3', () => signedWith(3), OUTSIDE],
    ['the exponent 17', () => signedWith(17), OUTSIDE],
    ['the exponent 257', () => signedWith(257), OUTSIDE],
    ['the exponent 1', () => unsignedRsaRequest(N, 1n), OUTSIDE],
    ['the exponent 0', () => unsignedRsaRequest(N, 0n), OUTSIDE],
    ['an exponent above 2^32', () => unsignedRsaRequest(N, 2n ** 32n + 1n), OUTSIDE],
    ['an exponent of 64 bits', () => unsignedRsaRequest(N, 2n ** 63n + 1n), 'an RSA exponent above 2^32'],
    ['an exponent as long as the modulus', () => unsignedRsaRequest(N, N - 2n), 'an RSA exponent above 2^32'],
    ['an even exponent', () => unsignedRsaRequest(N, E + 1n), 'an RSA exponent that is even'],
    ['an even modulus', () => unsignedRsaRequest(N - 1n, E), SMALL_FACTOR],
    ['a modulus with a small factor', () => unsignedRsaRequest(1009n * (2n ** 2040n + 1n), E), SMALL_FACTOR],
    ['a modulus with the factor 1999', () => unsignedRsaRequest(1999n * N2040, E), SMALL_FACTOR],
    ['a modulus that is a square', () => unsignedRsaRequest(prime * prime, E), CLOSE_PRIMES],
    ['close primes', () => createCertificateRequest(rsaKeyOfClosePrimes(), 'east'), CLOSE_PRIMES],
    [
      'primes of the ROCA form',
      () => unsignedRsaRequest(rocaModulus(), E),
      'an RSA modulus of the ROCA form',
    ],
    [
      'a modulus of 16,384 bits',
      () => unsignedRsaRequest((1n << 16_383n) + 1n, E),
      'an RSA key of 16384 bits; 2048 to 4096 are accepted',
    ],
  ])('is refused if it is an RSA key with %s', (_what, request, reason) => {
    expect(parseCertificateRequest(request())).toEqual({ invalid: 'key_weak', reason });
  });
});

describe('a certificate request of linkgrant', () => {
  test.each([
    ['P-256', () => P256],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
  ])("passes openssl and linkgrant's own checks (%s)", (_name, makeKey) => {
    const der = createCertificateRequest(makeKey(), 'Zürich, 東京', 'a_challenge-1');
    const verified = openssl.try(
      ['req', '-inform', 'DER', '-verify', '-noout', '-text', '-nameopt', 'utf8'],
      der,
    );
    expect(verified.output).toContain('CN=Zürich, 東京\n');
    expect(verified.output).toMatch(/challengePassword *:a_challenge-1\n/);
    expect(verified.output).toContain('verify OK');
    expect(parseCertificateRequest(der)).toMatchObject({
      commonName: 'Zürich, 東京',
      challenge: 'a_challenge-1',
    });
  });
});

describe('an invalid request', () => {
  const der = createCertificateRequest(P256, 'east');

  test('is refused when bytes follow it', () => {
    const problem = parseCertificateRequest(Buffer.concat([der, Buffer.of(0)]));
    expect(problem).toMatchObject({
      invalid: 'csr_invalid',
      reason: expect.stringContaining('bytes after the end'),
    });
  });

  test('is refused when it is cut at any length', () => {
    for (let length = 0; length < der.length; length++) {
      expect(parseCertificateRequest(der.subarray(0, length))).toMatchObject({ invalid: 'csr_invalid' });
    }
  });

  test('is refused with any single bit flipped', () => {
    for (let bit = 0; bit < der.length * 8; bit++) {
      const flipped = Uint8Array.from(der);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(parseCertificateRequest(flipped)).toHaveProperty('invalid');
    }
  });

  test('is refused in BER with an indefinite length', () => {
    const content = der.subarray(der[1] === 0x81 ? 3 : 2);
    const problem = parseCertificateRequest(Buffer.concat([Buffer.of(0x30, 0x80), content, Buffer.of(0, 0)]));
    expect(problem).toMatchObject({ invalid: 'csr_invalid', reason: expect.stringContaining('length') });
  });

  test('is refused with a length in more bytes than needed', () => {
    const content = der.subarray(der[1] === 0x81 ? 3 : 2);
    const header = Buffer.of(0x30, 0x82, content.length >> 8, content.length & 0xff);
    const problem = parseCertificateRequest(Buffer.concat([header, content]));
    expect(problem).toMatchObject({ invalid: 'csr_invalid', reason: expect.stringContaining('not minimal') });
  });

  test.each([
    ['a version length in two bytes', Buffer.of(0x02, 0x81, 0x01, 0x00)],
    ['a version padded with a zero', Buffer.of(0x02, 0x02, 0x00, 0x00)],
    ['version 1', Buffer.of(0x02, 0x01, 0x01)],
    ['no version', Buffer.of()],
  ])('is refused with %s, even if its signature is valid', (_case, version) => {
    const info = requestInfo(SPKI, { version });
    expect(parseCertificateRequest(signedRequest(info, P256))).toHaveProperty('invalid', 'csr_invalid');
  });

  test('is refused without the attributes field or with bytes after it, even if its signature is valid', () => {
    for (const tail of [Buffer.of(), Buffer.of(0xa0, 0, 0x05, 0), Buffer.of(0xa1, 0)]) {
      const info = requestInfo(SPKI, { tail });
      expect(parseCertificateRequest(signedRequest(info, P256))).toHaveProperty('invalid', 'csr_invalid');
    }
  });

  test('is refused before it is parsed if it is larger than 4 KiB', () => {
    expect(parseCertificateRequest(new Uint8Array(4_097))).toEqual({
      invalid: 'csr_invalid',
      reason: 'it is larger than 4 KiB',
    });
  });

  test('is refused when another key has signed it', async () => {
    const info = requestInfo(SPKI);
    expect(parseCertificateRequest(signedRequest(info, P256))).toMatchObject({ keyType: 'p256' });
    expect(parseCertificateRequest(signedRequest(info, await generatePrivateKey('p256')))).toEqual({
      invalid: 'csr_invalid',
      reason: 'its signature does not prove possession of the key',
    });
  });

  test('is refused when its key is not a point on the curve', () => {
    const spki = Buffer.from(SPKI);
    spki[spki.length - 1] = (spki[spki.length - 1] ?? 0) ^ 1;
    expect(parseCertificateRequest(signedRequest(requestInfo(spki), P256))).toEqual({
      invalid: 'csr_invalid',
      reason: 'its key is invalid',
    });
  });
});

describe('a request with a key for which anyone can sign', () => {
  const SPKI_BEFORE = Buffer.from('302a300506032b6570032100', 'hex');
  /** A request with this SubjectPublicKeyInfo, and with a signature that verifies with the Ed25519 public key 1. */
  const requestOf = (spkiDer: Uint8Array) => {
    const signature = Buffer.concat([Buffer.of(1), Buffer.alloc(63)]);
    const algorithm = Buffer.from('300506032b6570', 'hex');
    return element(0x30, requestInfo(spkiDer), algorithm, element(0x03, Buffer.of(0), signature));
  };

  test.each([
    ['0', `00${'00'.repeat(31)}`],
    ['1', `01${'00'.repeat(31)}`],
    ['a point of order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['another point of order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['p - 1', `ec${'ff'.repeat(30)}7f`],
    ['p', `ed${'ff'.repeat(30)}7f`],
    ['p + 1', `ee${'ff'.repeat(30)}7f`],
  ])('is refused for the Ed25519 key %s, with either sign', (_what, hex) => {
    for (const sign of [0, 0x80]) {
      const point = Buffer.from(hex, 'hex');
      point.writeUInt8(point.readUInt8(31) | sign, 31);
      expect(parseCertificateRequest(requestOf(Buffer.concat([SPKI_BEFORE, point])))).toEqual({
        invalid: 'key_weak',
        reason: 'an Ed25519 key of small order',
      });
    }
  });

  test.each([
    ['prime256v1', 32, 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'],
    [
      'secp384r1',
      48,
      'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ],
  ])('is refused for the private keys 1 and -1 on %s', (curve, size, order) => {
    const one = Buffer.alloc(size);
    one.writeUInt8(1, size - 1);
    const minusOne = Buffer.from((BigInt(`0x${order}`) - 1n).toString(16), 'hex');
    for (const number of [one, minusOne]) {
      const pair = createECDH(curve);
      pair.setPrivateKey(number);
      const point = pair.getPublicKey();
      const key = createPrivateKey({
        key: {
          kty: 'EC',
          crv: size === 32 ? 'P-256' : 'P-384',
          d: number.toString('base64url'),
          x: point.subarray(1, size + 1).toString('base64url'),
          y: point.subarray(size + 1).toString('base64url'),
        },
        format: 'jwk',
      });
      expect(parseCertificateRequest(createCertificateRequest(key, 'east'))).toEqual({
        invalid: 'key_weak',
        reason: 'an EC key whose private key is 1 or -1',
      });
    }
  });
});
