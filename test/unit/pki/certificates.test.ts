import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CertificateAuthority, createAuthority, loadAuthority } from '../../../src/pki/authority.js';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { issueClientCertificate, issueServerCertificate } from '../../../src/pki/certificates.js';
import { generateKey, readPrivateKey, spkiOf } from '../../../src/pki/keys.js';
import { createCertificateRequest, parseCertificateRequest } from '../../../src/pki/requests.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { releaseAfterFile } from '../../support/release.js';
import { AUTHORITY_KEYS, makeAuthority, OpenSsl } from './openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

const DAY = 86_400_000;
const now = Date.now() + 240_000;
const redemptionId = 'b2f7a4de-4c8e-4bb0-8a53-f7a9c1f0a111';
const SPKI = (await generateKey('p256')).spkiDer;

function keyForms(pkcs8: string): [string, string][] {
  const file = openssl.write('form.key', pkcs8);
  const traditional = openssl.run(['pkey', '-in', file, '-traditional']).toString();
  return [
    ['PKCS#8', pkcs8],
    [traditional.includes('BEGIN EC') ? 'SEC1' : 'PKCS#1', traditional],
  ];
}

async function clientKeys(): Promise<Uint8Array[]> {
  const p384 = openssl.run(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']).toString();
  const ed25519 = openssl.run(['genpkey', '-algorithm', 'ED25519']).toString();
  return [
    (await generateKey('p256')).spkiDer,
    spkiOf(readPrivateKey(p384)),
    (await generateKey('rsa2048')).spkiDer,
    spkiOf(readPrivateKey(ed25519)),
  ];
}

function expectClientOnly(pem: string, authority: CertificateAuthority): void {
  expect(openssl.verifies(pem, authority.bundlePem, 'sslclient')).toMatchObject({ ok: true });
  expect(openssl.verifies(pem, authority.bundlePem, 'sslserver')).toMatchObject({ ok: false });
}

function expectServerOnly(pem: string, authority: CertificateAuthority): void {
  expect(openssl.verifies(pem, authority.bundlePem, 'sslserver')).toMatchObject({ ok: true });
  expect(openssl.verifies(pem, authority.bundlePem, 'sslclient')).toMatchObject({ ok: false });
}

async function ownAuthority(lifetimeMs = 3650 * DAY): Promise<CertificateAuthority> {
  const pem = await createAuthority({ commonName: 'own authority', keyType: 'p256', lifetimeMs, now });
  return loadAuthority(pem, 'own', now);
}

/** Issues a client certificate for the subject "east" and a P-256 key, valid for a day from `now`. */
function issueClient(
  authority: CertificateAuthority,
  changes: Partial<Parameters<typeof issueClientCertificate>[0]> = {},
) {
  const defaults = { spkiDer: SPKI, subject: 'east', redemptionId, lifetimeMs: DAY, now };
  return issueClientCertificate({ authority, ...defaults, ...changes });
}

describe.each(Object.entries(AUTHORITY_KEYS))('under a CA with a key of %s', (_kind, key) => {
  test.each(['self-signed', 'an intermediate'])(
    'every client and server certificate passes openssl for its own purpose only (%s)',
    async (place) => {
      const root = makeAuthority(openssl, { key, subject: '/O=Example/CN=root' });
      const below =
        place === 'self-signed'
          ? undefined
          : makeAuthority(openssl, { key, subject: '/CN=between', issuer: root });
      const certificate = below ? below.certificate + root.certificate : root.certificate;
      const spkis = await clientKeys();
      for (const [form, keyPem] of keyForms((below ?? root).key)) {
        const authority = loadAuthority({ certificate, key: keyPem }, form, now);
        for (const spkiDer of spkis) {
          const common = { authority, spkiDer, lifetimeMs: 30 * DAY, now };
          const client = await issueClientCertificate({ ...common, subject: 'east', redemptionId });
          expectClientOnly(client.certificate, authority);
          const server = await issueServerCertificate({
            ...common,
            commonName: 'west',
            hosts: ['west.example', '10.1.2.3', 'fd00::1'],
          });
          expectServerOnly(server.certificate, authority);
          expect(client.certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(below ? 2 : 1);
        }
      }
    },
  );
});

test.each(['p256', 'rsa2048'] as const)(
  'a CA that linkgrant creates (%s) passes openssl and has the profile of a CA',
  async (keyType) => {
    const pem = await createAuthority({ commonName: 'Standort-CA ü', keyType, lifetimeMs: 3650 * DAY, now });
    expect(pem.key).toContain('-----BEGIN PRIVATE KEY-----');
    const authority = loadAuthority(pem, 'own', now);
    expect(authority.chainPem).toBe('');
    expect(authority.description).toBe('Standort-CA ü');
    const text = openssl.run(['x509', '-noout', '-text'], pem.certificate).toString();
    expect(text).toMatch(/Version: 3/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    expect(text).toMatch(/Subject Key Identifier/);
    expectClientOnly((await issueClient(authority)).certificate, authority);
  },
);

test('a client certificate names its subject and redemption, is limited to client authentication, and has no host', async () => {
  const authority = await ownAuthority();
  const issued = await issueClient(authority, { lifetimeMs: 30 * DAY });
  const x509 = new X509Certificate(issued.certificate);
  expect(x509.subjectAltName).toBe(`URI:urn:uuid:${redemptionId}`);
  expect(x509.subject).toBe('CN=east');
  expect(x509.ca).toBe(false);
  expect(x509.serialNumber.toLowerCase()).toBe(issued.serial);
  expect(issued.serial).toMatch(/^[4-7][0-9a-f]{31}$/);
  expect(x509.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(issued.certificateSha256);
  expect(Date.parse(x509.validTo)).toBe(issued.notAfter);
  expect(issued.notAfter).toBe(Math.floor((now + 30 * DAY) / 1000) * 1000);
  const text = openssl.run(['x509', '-noout', '-text'], issued.certificate).toString();
  expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
  expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
  expect(text).toMatch(/Extended Key Usage: \s+TLS Web Client Authentication\n/);
  expect(describeCertificate(issued.certificate)).toMatchObject({
    subject: 'east',
    hosts: [],
    isAuthority: false,
  });
});

test('a client certificate for an RSA key allows key encipherment too', async () => {
  const authority = await ownAuthority();
  const spkiDer = (await generateKey('rsa2048')).spkiDer;
  const { certificate: pem } = await issueClient(authority, { spkiDer });
  const text = openssl.run(['x509', '-noout', '-text'], pem).toString();
  expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
});

test('no two certificates have the same serial number', async () => {
  const authority = await ownAuthority();
  const issued = await Promise.all(Array.from({ length: 200 }, () => issueClient(authority)));
  expect(new Set(issued.map(({ serial }) => serial)).size).toBe(200);
});

test.each([
  ['commas, quotes and an equals sign', 'O="a, b", CN=c+d;<e>\\f#'],
  ['a leading and a trailing space', ' padded '],
  ['letters of several scripts', 'Zürich 東京 Ελλάδα مرحبا'],
  ['253 characters', `${'site-'.repeat(50)}abc`],
  ['characters beyond the basic plane at the cut', '𝒮'.repeat(70)],
  ['a surrogate pair across the 64th UTF-16 unit', `${'a'.repeat(63)}😀tail`],
])('a subject of %s is in the certificate up to its 64th character', async (_case, subject) => {
  const authority = await ownAuthority();
  const request = parseCertificateRequest(
    createCertificateRequest(await generatePrivateKey('p256'), subject),
  );
  if ('invalid' in request) throw new Error(request.reason);
  const issued = await issueClient(authority, { spkiDer: request.spkiDer, subject });
  const expected = [...subject].slice(0, 64).join('');
  expect(describeCertificate(issued.certificate).subject).toBe(expected);
  const name = openssl
    .run(['x509', '-noout', '-subject', '-nameopt', 'utf8,sep_multiline'], issued.certificate)
    .toString();
  expect(name).toBe(`subject=\n    CN=${expected}\n`);
  expectClientOnly(issued.certificate, authority);
});

test('a certificate neither starts before its CA nor expires after it', async () => {
  const authority = await ownAuthority(10 * DAY);
  const lifetimeMs = 30 * DAY;
  const issuedEarly = await issueClient(authority, { lifetimeMs, now: authority.notBefore + 1_000 });
  const early = describeCertificate(issuedEarly.certificate);
  expect(early.notBefore).toBe(authority.notBefore);
  expect(early.notAfter).toBe(authority.notAfter);
  const usual = describeCertificate((await issueClient(authority, { lifetimeMs })).certificate);
  expect(usual.notBefore).toBe(Math.floor((now - 300_000) / 1000) * 1000);
});

test('a CA issues nothing before its start and after its expiry', async () => {
  const authority = await ownAuthority(10 * DAY);
  for (const at of [authority.notAfter + 1, authority.notBefore - 1]) {
    await expect(issueClient(authority, { now: at })).rejects.toThrow('"own authority" is not valid');
  }
});

test('the expiry below an intermediate is the earliest expiry on the way to the root', async () => {
  const root = makeAuthority(openssl, { days: 20, subject: '/CN=root' });
  const between = makeAuthority(openssl, { days: 90, subject: '/CN=between', issuer: root });
  const authority = loadAuthority(
    { certificate: between.certificate + root.certificate, key: between.key },
    'x',
    now,
  );
  const issued = await issueClient(authority, { lifetimeMs: 60 * DAY });
  expect(issued.notAfter).toBe(describeCertificate(root.certificate).notAfter);
});

test.each([
  ['UTCTime up to the last second of 2049', Date.UTC(2049, 11, 31, 23, 59, 59), 'UTCTIME', '491231235959Z'],
  ['GeneralizedTime from 2050 on', Date.UTC(2050, 0, 1), 'GENERALIZEDTIME', '20500101000000Z'],
  ['GeneralizedTime in a far century', Date.UTC(2399, 5, 1), 'GENERALIZEDTIME', '23990601000000Z'],
])('an expiry is written as %s', async (_case, end, type, text) => {
  const authority = await ownAuthority(500 * 366 * DAY);
  const issued = await issueClient(authority, { lifetimeMs: end - now });
  expect(issued.notAfter).toBe(end);
  expect(openssl.run(['asn1parse'], issued.certificate).toString()).toMatch(new RegExp(`${type} +:${text}`));
  expectClientOnly(issued.certificate, authority);
});

test('the expiry of a CA is at most the last second of the year 9999', async () => {
  const authority = await ownAuthority(9_000 * 366 * DAY);
  expect(authority.notAfter).toBe(Date.UTC(9999, 11, 31, 23, 59, 59));
});

test('a server certificate has addresses both as IP entries and as DNS names, each once', async () => {
  const authority = await ownAuthority();
  const issued = await issueServerCertificate({
    authority,
    spkiDer: SPKI,
    commonName: 'grant server',
    hosts: ['links.example', '192.0.2.7', '[2001:db8::7]', 'links.example'],
    lifetimeMs: DAY,
    now,
  });
  expect(new X509Certificate(issued.certificate).subjectAltName).toBe(
    'DNS:links.example, DNS:192.0.2.7, IP Address:192.0.2.7, DNS:2001:db8::7, IP Address:2001:DB8:0:0:0:0:0:7',
  );
  expect(describeCertificate(issued.certificate).hosts).toEqual([
    'links.example',
    '192.0.2.7',
    '2001:db8::7',
  ]);
  for (const [flag, host] of [
    ['-verify_hostname', 'links.example'],
    ['-verify_ip', '192.0.2.7'],
    ['-verify_ip', '2001:db8::7'],
  ] as const) {
    const ca = openssl.write('host-ca.pem', authority.bundlePem);
    const leaf = openssl.write('host-leaf.pem', issued.certificate);
    expect(openssl.try(['verify', '-x509_strict', flag, host, '-CAfile', ca, leaf])).toMatchObject({
      ok: true,
    });
  }
  expectServerOnly(issued.certificate, authority);
});

test.each([[[]], [['münchen.example']], [['a b']], [['']]])(
  'a server certificate for the hosts %j is refused',
  async (hosts) => {
    const authority = await ownAuthority();
    await expect(
      issueServerCertificate({ authority, spkiDer: SPKI, commonName: 'x', hosts, lifetimeMs: DAY, now }),
    ).rejects.toThrow(RangeError);
  },
);

test('an authority whose private key does not match its certificate issues nothing', async () => {
  const authority = await ownAuthority();
  const foreign = { ...authority, privateKey: await generatePrivateKey('p256') };
  await expect(issueClient(foreign)).rejects.toThrow('does not verify');
});

test('a CA limited to one purpose issues for that purpose only', async () => {
  const pem = makeAuthority(openssl, {
    extensions: [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign',
      'extendedKeyUsage=serverAuth',
    ],
  });
  const authority = loadAuthority(pem, 'x', now);
  const options = { authority, spkiDer: SPKI, lifetimeMs: DAY, now, commonName: 'w', hosts: ['w'] };
  const server = await issueServerCertificate(options);
  expectServerOnly(server.certificate, authority);
  await expect(issueClient(authority)).rejects.toThrow('does not allow client');
});
