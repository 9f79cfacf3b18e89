import { expect, test } from 'vitest';
import { CertificateAuthorityError, loadAuthority } from '../../../src/pki/authority.js';
import { splitCertificates } from '../../../src/pki/certificate-info.js';
import { releaseAfterFile } from '../../support/release.js';
import { AUTHORITY_KEYS, type AuthorityOptions, makeAuthority, OpenSsl } from './openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

const DAY = 86_400_000;
const now = Date.now() + 60_000;
const SOURCE = 'issuer /etc/linkgrant/ca.crt';

function refusal(pem: { certificate: string; key: string }, at = now): string {
  try {
    loadAuthority(pem, SOURCE, at);
  } catch (error) {
    expect(error).toBeInstanceOf(CertificateAuthorityError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

const good = makeAuthority(openssl, { subject: '/CN=good' });

test('a CA is described by its common name, and by its attributes if it has none', () => {
  expect(loadAuthority(good, SOURCE, now).description).toBe('good');
  const plain = makeAuthority(openssl, { subject: '/O=Example/OU=Sites' });
  expect(loadAuthority(plain, SOURCE, now).description).toBe('O=Example, OU=Sites');
});

test('the fingerprint is the one that openssl shows', () => {
  const shown = openssl.run(['x509', '-noout', '-fingerprint', '-sha256'], good.certificate).toString();
  const expected = shown.split('=')[1]?.trim().replaceAll(':', '').toLowerCase();
  expect(loadAuthority(good, SOURCE, now).sha256).toBe(expected);
});

test('the chain has no root and no unrelated certificate, and the bundle is the whole file', () => {
  const root = makeAuthority(openssl, { subject: '/CN=root' });
  const middle = makeAuthority(openssl, { subject: '/CN=middle', issuer: root });
  const signing = makeAuthority(openssl, { subject: '/CN=signing', issuer: middle });
  const other = makeAuthority(openssl, { subject: '/CN=unrelated root of before' });
  // Only the first certificate has a fixed position.
  const certificate = [signing, root, other, middle]
    .map((authority) => authority.certificate)
    .join('# a comment\n');
  const authority = loadAuthority({ certificate, key: signing.key }, SOURCE, now);
  expect(splitCertificates(authority.chainPem)).toEqual(
    splitCertificates(signing.certificate + middle.certificate),
  );
  expect(splitCertificates(authority.bundlePem)).toEqual(splitCertificates(certificate));
  expect(authority.description).toBe('signing');
});

test('a chain ends at the root that signed it, not at another root with the same name', () => {
  const first = makeAuthority(openssl, { subject: '/CN=root' });
  const second = makeAuthority(openssl, { subject: '/CN=root' });
  const signing = makeAuthority(openssl, { subject: '/CN=signing', issuer: second });
  // Without key identifiers both could be the issuer by name.
  const certificate = signing.certificate + first.certificate + second.certificate;
  expect(
    splitCertificates(loadAuthority({ certificate, key: signing.key }, SOURCE, now).chainPem),
  ).toHaveLength(1);
});

test('a key file can have curve parameters before the key', () => {
  const key = openssl.run(['ecparam', '-name', 'prime256v1', '-genkey']).toString();
  expect(key).toContain('BEGIN EC PARAMETERS');
  const certificate = openssl
    .run(['req', '-x509', '-new', '-key', openssl.write('p.key', key), '-subj', '/CN=p', '-days', '9'])
    .toString();
  expect(loadAuthority({ certificate, key }, SOURCE, now).description).toBe('p');
});

test('an expired CA is refused with its expiry', () => {
  expect(refusal(good, now + 4_000 * DAY)).toMatch(
    /^issuer \/etc\/linkgrant\/ca\.crt: the CA certificate expired at \d{4}-\d\d-\d\dT[\d:]+Z$/,
  );
});

test('a CA that is not valid yet is refused with its start', () => {
  expect(refusal(good, now - 10 * DAY)).toMatch(
    /the CA certificate is not valid before \d{4}-\d\d-\d\dT[\d:]+Z$/,
  );
});

test.each<[string, AuthorityOptions, string]>([
  ['CA:FALSE', { extensions: ['basicConstraints=critical,CA:FALSE'] }, 'is not a CA'],
  [
    'CA:FALSE that is not critical',
    { extensions: ['keyUsage=critical,digitalSignature', 'basicConstraints=CA:FALSE'] },
    'is not a CA',
  ],
  [
    'a keyUsage without signing',
    { extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature,cRLSign'] },
    'keyUsage of the CA does not allow',
  ],
  [
    'a key of RSA of 1024 bits',
    { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] },
    'an RSA key of 1024 bits',
  ],
  [
    'a key of P-521',
    { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'] },
    'use RSA, P-256 or P-384',
  ],
  ['a key of Ed25519', { key: ['-algorithm', 'ED25519'] }, 'use RSA, P-256 or P-384'],
])('a certificate with %s is refused as a CA', (_case, options, reason) => {
  expect(refusal(makeAuthority(openssl, options))).toContain(reason);
});

test('a CA without keyUsage can sign', () => {
  const extensions = ['basicConstraints=critical,CA:TRUE'];
  expect(loadAuthority(makeAuthority(openssl, { extensions }), SOURCE, now).chainPem).toBe('');
});

test('an error about a certificate or key file has its reason as the cause, without a further cause', () => {
  for (const pem of [
    { ...good, certificate: 'none' },
    { ...good, key: good.key.replace(/[A-Z]{2}/g, '!') },
  ]) {
    try {
      loadAuthority(pem, SOURCE, now);
      expect.unreachable();
    } catch (error) {
      const { message, cause } = error as { message: string; cause: Error & { cause?: unknown } };
      expect(cause).toBeInstanceOf(Error);
      expect(message).toBe(`${SOURCE}: ${cause.message}`);
      expect(cause.cause).toBeUndefined();
    }
  }
});

test.each([
  ['junk', () => 'junk'],
  ['the key of another CA', () => makeAuthority(openssl).key],
  ['a key that is cut off', () => good.key.slice(0, 90)],
])('a key file with %s is reported by the name of that file', (_what, makeKey) => {
  const load = () =>
    loadAuthority({ certificate: good.certificate, key: makeKey() }, SOURCE, now, 'site.key');
  expect(load).toThrow(/^site\.key: /);
});

test('the key of another CA is refused', () => {
  const other = makeAuthority(openssl);
  const rsa = makeAuthority(openssl, { key: AUTHORITY_KEYS['RSA-2048'] });
  for (const { key } of [other, rsa]) {
    expect(refusal({ certificate: good.certificate, key })).toContain(
      'does not belong to the CA certificate',
    );
  }
});

test.each(['PKCS#8', 'traditional'])('an encrypted key (%s) is refused with a hint to decrypt it', (form) => {
  const file = openssl.write('plain.key', good.key);
  const args = ['pkey', '-in', file, '-aes256', '-passout', 'pass:secret-of-the-test'];
  const key = openssl.run(form === 'PKCS#8' ? args : [...args, '-traditional']).toString();
  expect(key).toContain('ENCRYPTED');
  expect(refusal({ certificate: good.certificate, key })).toContain(
    'the private key is encrypted; decrypt it first',
  );
});

test.each([
  ['nothing', ''],
  ['a public key', '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n'],
  ['garbage', 'garbage\u0000'],
])('a key file that contains %s is refused', (_case, key) => {
  expect(refusal({ certificate: good.certificate, key })).toContain('there is no PEM private key');
});

test('a damaged key is refused without any byte of it in the message', () => {
  const key = good.key.replace(/(-----\n)...../, '$1AAAAA');
  const message = refusal({ certificate: good.certificate, key });
  expect(message).toBe(`${SOURCE}: the private key cannot be read`);
});

test('an intermediate without its root is refused with the name of the root to append', () => {
  const root = makeAuthority(openssl, { subject: '/CN=the root' });
  const signing = makeAuthority(openssl, { subject: '/CN=signing', issuer: root });
  expect(refusal(signing)).toMatch(/an intermediate of the root; append its root/);
});

test('an intermediate below a root that allows no intermediates is refused', () => {
  const root = makeAuthority(openssl, {
    subject: '/CN=root',
    extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'],
  });
  const signing = makeAuthority(openssl, { subject: '/CN=signing', issuer: root });
  expect(refusal({ certificate: signing.certificate + root.certificate, key: signing.key })).toContain(
    'do not lead from the first to a self-signed root that is valid',
  );
  expect(loadAuthority(root, SOURCE, now).description).toBe('root');
});

test.each([
  ['nothing', [], true],
  ['hosts', ['permitted;DNS:example.com', 'excluded;IP:192.0.2.0/255.255.255.0'], true],
  ['mailboxes', ['permitted;email:example.com'], true],
  ['permitted directories', ['permitted;dirName:company'], false],
  [
    'one directory and every directory as permitted',
    ['permitted;dirName:company', 'permitted;dirName:any'],
    true,
  ],
  ['excluded directories of companies', ['excluded;dirName:company'], true],
  ['every directory as excluded', ['excluded;dirName:any'], false],
  ['permitted URIs', ['permitted;URI:example.com'], false],
  ['excluded URIs', ['excluded;URI:example.com'], false],
])(
  'a CA is accepted if openssl accepts its link certificates, else refused; its nameConstraints: %s',
  (_what, names, fits) => {
    const root = constrained(names);
    const signing = makeAuthority(openssl, { subject: '/CN=signing', issuer: root });
    const leaf = makeAuthority(openssl, {
      subject: '/CN=0b6f1a0c-6f6e-4a0e-9a55-d7f6c8f0a001',
      issuer: root,
      extensions: [
        ...['basicConstraints=CA:FALSE', 'keyUsage=critical,digitalSignature', 'extendedKeyUsage=clientAuth'],
        'subjectAltName=URI:urn:uuid:5d3c3a4e-6f6e-4a0e-9a55-d7f6c8f0a002',
      ],
    });
    expect(openssl.verifies(leaf.certificate, root.certificate, 'sslclient').ok).toBe(fits);
    const below = { certificate: signing.certificate + root.certificate, key: signing.key };
    for (const pem of [root, below]) {
      if (fits) expect(loadAuthority(pem, SOURCE, now).description).toMatch(/^(constrained|signing)$/);
      else
        expect(refusal(pem)).toMatch(
          /^issuer \S+: the CA "constrained" cannot sign for links: its nameConstraints /,
        );
    }
  },
);

function constrained(names: readonly string[]) {
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'];
  if (names.length > 0) extensions.push(`nameConstraints=critical,${names.join(',')}`);
  return makeAuthority(openssl, {
    subject: '/CN=constrained',
    extensions,
    sections: '[company]\nO=Example\n[any]\n',
  });
}
