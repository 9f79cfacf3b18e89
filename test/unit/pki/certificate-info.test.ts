import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { loadAuthority } from '../../../src/pki/authority.js';
import {
  describeCertificate,
  splitCertificates,
  verificationProblem,
} from '../../../src/pki/certificate-info.js';
import { issueServerCertificate } from '../../../src/pki/certificates.js';
import { spkiOf } from '../../../src/pki/keys.js';
import { encodeCertificatePem } from '../../../src/pki/pem.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { releaseAfterFile } from '../../support/release.js';
import { makeAuthority, OpenSsl } from './openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

const DAY = 86_400_000;
const now = Date.now() + 60_000;
const root = makeAuthority(openssl, { subject: '/CN=root' });
const intermediate = makeAuthority(openssl, { subject: '/CN=intermediate', issuer: root });
const key = await generatePrivateKey('p256');

/** Returns the certificate with the last bit of its signature flipped. */
function forged(pem: string): string {
  const der = Buffer.from(new X509Certificate(pem).raw);
  der[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1;
  return encodeCertificatePem(der);
}

/** Returns the certificate with a byte behind its DER. */
const withTrailingByte = (pem: string) =>
  encodeCertificatePem(Buffer.concat([new X509Certificate(pem).raw, Buffer.of(0)]));

async function serverUnder(authority: { certificate: string; key: string }): Promise<string> {
  const { certificate } = await issueServerCertificate({
    authority: loadAuthority(authority, 'test', now),
    spkiDer: spkiOf(key),
    commonName: 'server',
    hosts: ['server.example', '10.0.0.1', 'fd00:0:0:1::1'],
    lifetimeMs: DAY,
    now,
  });
  return certificate;
}

const direct = await serverUnder(root);
const below = await serverUnder({
  certificate: intermediate.certificate + root.certificate,
  key: intermediate.key,
});

test('a certificate is described as by openssl', () => {
  const info = describeCertificate(below);
  const output = openssl
    .run(['x509', '-noout', '-serial', '-fingerprint', '-sha256', '-dateopt', 'iso_8601', '-dates'], below)
    .toString();
  expect(output).toContain(`serial=${info.serial.toUpperCase()}\n`);
  expect(output.replaceAll(':', '').toLowerCase()).toContain(`fingerprint=${info.sha256}`);
  const isoTime = (time: number) => new Date(time).toISOString().replace('T', ' ').replace('.000Z', 'Z');
  expect(output).toContain(`notBefore=${isoTime(info.notBefore)}`);
  expect(output).toContain(`notAfter=${isoTime(info.notAfter)}`);
  const spkiSha256 = openssl.run(['dgst', '-sha256', '-r'], spkiOf(key)).toString().slice(0, 64);
  expect(info).toMatchObject({ subject: 'server', keySha256: spkiSha256, isAuthority: false });
  expect(info.hosts).toEqual(['server.example', '10.0.0.1', 'fd00:0:0:1::1']);
  expect(describeCertificate(root.certificate)).toMatchObject({
    subject: 'root',
    isAuthority: true,
    hosts: [],
  });
});

test.each([
  ['control characters in its common name', '/CN=bad\u001b[31mname', 'bad\ufffd[31mname'],
  ['no common name', '/O=Example/OU=Sites', 'O=Example, OU=Sites'],
  ['an empty name', '/', '(no name)'],
])('the subject of a certificate with %s is described in printable text', (_case, subject, expected) => {
  const { certificate } = makeAuthority(openssl, { subject });
  expect(describeCertificate(certificate).subject).toBe(expected);
});

test('addresses in IP entries are printed in their short form', () => {
  const { certificate } = makeAuthority(openssl, {
    extensions: [
      'subjectAltName=IP:2001:db8:0:0:1:0:0:1,IP:::1,IP:::,IP:1::,IP:10:0:0:0:0:0:0:10,IP:192.0.2.1',
    ],
  });
  expect(describeCertificate(certificate).hosts).toEqual([
    '2001:db8::1:0:0:1',
    '::1',
    '::',
    '1::',
    '10::10',
    '192.0.2.1',
  ]);
});

describe('splitting a PEM bundle', () => {
  test('returns each certificate encoded again, without the text around it', () => {
    const text = `subject=root\n${root.certificate.replaceAll('\n', '\r\n')}\nsomething: else\n${intermediate.certificate}`;
    expect(splitCertificates(text)).toEqual([root.certificate, intermediate.certificate]);
  });

  test('returns up to 16 certificates', () => {
    expect(splitCertificates(root.certificate.repeat(16))).toHaveLength(16);
  });

  test.each([
    ['an empty text', '', 'no PEM certificate'],
    ['a web page', '<html>404</html>', 'no PEM certificate'],
    ['base64 of something else', encodeCertificatePem(Buffer.from('hello')), 'no X.509 certificate'],
    ['only a private key', root.key, 'a PEM block "PRIVATE KEY" where only certificates are allowed'],
    ['a key beside the certificate', root.certificate + root.key, 'PRIVATE KEY'],
    ['17 certificates', root.certificate.repeat(17), 'more than 16'],
    [
      'a certificate with bytes behind it',
      withTrailingByte(root.certificate),
      'holds more than a certificate',
    ],
    ['a block without an end', root.certificate.replace(/-----END.*/, ''), 'cut off'],
    ['a block that is not base64', root.certificate.replace(/\nM/, '\n!'), 'not base64'],
    ['a megabyte', `${root.certificate}${'x'.repeat(1_000_000)}`, 'more than 256 KiB'],
  ])('refuses %s', (_case, pem, reason) => {
    expect(() => splitCertificates(pem)).toThrow(reason);
    expect(() => describeCertificate(pem)).toThrow(reason);
  });

  test('refuses a block of 256 KiB of spaces in linear time', () => {
    const block = `-----BEGIN CERTIFICATE-----A${' '.repeat(262_000)}*-----END CERTIFICATE-----`;
    const started = process.cpuUsage();
    expect(() => splitCertificates(block)).toThrow('not base64');
    // Quadratic time would take more than 20 s.
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });
});

describe('verification', () => {
  test('accepts a chain to a trusted root, directly or with an intermediate from the leaf file or the CA file', () => {
    expect(verificationProblem(direct, root.certificate, now)).toBeUndefined();
    expect(verificationProblem(below, root.certificate, now)).toBeUndefined();
    const leafAlone = splitCertificates(below)[0] ?? '';
    expect(verificationProblem(leafAlone, intermediate.certificate + root.certificate, now)).toBeUndefined();
    expect(verificationProblem(root.certificate, root.certificate, now)).toBeUndefined();
  });

  test('fails without the intermediate, and with only the intermediate trusted, as in openssl', () => {
    const leafAlone = splitCertificates(below)[0] ?? '';
    for (const [leaf, ca] of [
      [leafAlone, root.certificate],
      [below, intermediate.certificate],
    ] as const) {
      expect(verificationProblem(leaf, ca, now)).toBeDefined();
      expect(openssl.verifies(leaf, ca, 'sslserver').ok).toBe(false);
    }
  });

  test('fails with another root of the same name', () => {
    const namesake = makeAuthority(openssl, { subject: '/CN=root' });
    expect(verificationProblem(direct, namesake.certificate, now)).toContain('no valid chain');
    expect(verificationProblem(direct, namesake.certificate + root.certificate, now)).toBeUndefined();
  });

  test("does not trust a root that only the leaf's file contains", () => {
    const other = makeAuthority(openssl, { subject: '/CN=other' });
    expect(verificationProblem(direct + root.certificate, other.certificate, now)).toBeDefined();
  });

  test('fails when a signer is not a CA', () => {
    const signer = makeAuthority(openssl, {
      subject: '/CN=signer',
      extensions: ['basicConstraints=critical,CA:FALSE'],
      issuer: root,
    });
    const leaf = makeAuthority(openssl, { subject: '/CN=leaf', issuer: signer });
    expect(verificationProblem(leaf.certificate + signer.certificate, root.certificate, now)).toBeDefined();
  });

  test('fails when the signature of the leaf or of an intermediate is invalid', () => {
    expect(verificationProblem(forged(direct), root.certificate, now)).toContain('no valid chain');
    const [leaf = '', issuer = ''] = splitCertificates(below);
    expect(verificationProblem(leaf + issuer, root.certificate, now)).toBeUndefined();
    expect(verificationProblem(leaf + forged(issuer), root.certificate, now)).toBeDefined();
  });

  test('accepts a self-signed certificate as a root only if its own signature is valid', () => {
    const broken = forged(root.certificate);
    expect(verificationProblem(broken, broken, now)).toBeDefined();
    expect(() => loadAuthority({ certificate: broken, key: root.key }, 'test', now)).toThrow(
      'test: the CA is self-signed, but its signature does not verify',
    );
  });

  test('fails before the start, after the expiry, and once the root has expired', () => {
    expect(verificationProblem(direct, root.certificate, now - 2 * DAY)).toMatch(
      /is not valid before [\d-]+T[\d:]+Z$/,
    );
    expect(verificationProblem(direct, root.certificate, now + 2 * DAY)).toMatch(
      /expired at [\d-]+T[\d:]+Z$/,
    );
    const brief = makeAuthority(openssl, { subject: '/CN=brief', days: 2 });
    const outliving = makeAuthority(openssl, { subject: '/CN=outliving', issuer: brief });
    expect(verificationProblem(outliving.certificate, brief.certificate, now + DAY)).toBeUndefined();
    expect(verificationProblem(outliving.certificate, brief.certificate, now + 5 * DAY)).toContain(
      'no valid chain',
    );
  });

  test.each(['notBefore', 'notAfter'] as const)('decides as OpenSSL in the seconds around %s', (limit) => {
    const brief = makeAuthority(openssl, { subject: '/CN=limits', days: 2 }).certificate;
    const file = openssl.write('limits.pem', brief);
    const at = describeCertificate(brief)[limit];
    const results = [at - 1_000, at, at + 1_000].map((ms) => ({
      openssl: openssl.try(['verify', '-attime', String(ms / 1_000), '-CAfile', file, file]).ok,
      linkgrant: verificationProblem(brief, brief, ms) === undefined,
    }));
    for (const { openssl, linkgrant } of results) expect(linkgrant).toBe(openssl);
    expect(new Set(results.map(({ linkgrant }) => linkgrant)).size).toBe(2);
  });

  test('reports a leaf file or a CA file without a certificate', () => {
    expect(verificationProblem('x', root.certificate, now)).toBe('no PEM certificate');
    expect(verificationProblem(direct, 'x', now)).toBe('no PEM certificate');
  });
});
