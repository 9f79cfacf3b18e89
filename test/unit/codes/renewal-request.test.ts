import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  X509Certificate,
} from 'node:crypto';
import { CompactSign } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  readRenewalRequest,
  signRenewalRequest,
  verifyRenewalRequest,
} from '../../../src/codes/renewal-request.js';
import { createAuthority, loadAuthority } from '../../../src/pki/authority.js';
import { issueClientCertificate } from '../../../src/pki/certificates.js';
import { spkiOf } from '../../../src/pki/keys.js';
import { createCertificateRequest } from '../../../src/pki/requests.js';

const NOW = Date.parse('2031-03-04T05:06:07.000Z');
const DAY = 86_400_000;
const TYP = 'linkgrant-renewal+jwt';

const pem = await createAuthority({ commonName: 'A CA', keyType: 'p256', lifetimeMs: 90 * DAY, now: NOW });
const authority = loadAuthority(pem, 'here', NOW);

const KEYS: Readonly<Record<string, () => KeyObject>> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  Ed25519: () => generateKeyPairSync('ed25519').privateKey,
};

/** A link certificate with its key and the hash that names it. */
async function link(kind = 'P-256') {
  const redemptionId = randomUUID();
  const key = (KEYS[kind] as () => KeyObject)();
  const issued = {
    authority,
    spkiDer: spkiOf(key),
    subject: 'a site',
    redemptionId,
    lifetimeMs: DAY,
    now: NOW,
  };
  const { certificate: certificatePem } = await issueClientCertificate(issued);
  const hash = createHash('sha256').update(new X509Certificate(certificatePem).raw).digest();
  const csrDer = createCertificateRequest(key, 'a site');
  return { key, certificatePem, privateKey: key, redemptionId, csrDer, hash, now: NOW };
}

/** A request with `changes` to its header, claims, payload or signing key. */
async function forged(
  by: Awaited<ReturnType<typeof link>>,
  changes: { header?: object; claims?: object; payload?: string; key?: KeyObject | Uint8Array } = {},
) {
  const claims = {
    csr: Buffer.from(by.csrDer).toString('base64'),
    iat: NOW / 1000,
    aud: `urn:uuid:${by.redemptionId}`,
    ...changes.claims,
  };
  const header = { alg: 'ES256', typ: TYP, 'x5t#S256': by.hash.toString('base64url'), ...changes.header };
  return new CompactSign(Buffer.from(changes.payload ?? JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(changes.key ?? by.key);
}

describe('a renewal request', () => {
  it.each(Object.keys(KEYS))(
    'is read back, and verified with its certificate, if a %s key signed it',
    async (kind) => {
      const requester = await link(kind);
      const request = await signRenewalRequest(requester);
      const { redemptionId } = requester;
      const certificateSha256 = requester.hash.toString('hex');
      expect(readRenewalRequest(request)).toEqual({ redemptionId, certificateSha256 });
      const proven = await verifyRenewalRequest(request, requester.certificatePem);
      expect(proven).toMatchObject({ issuedAt: NOW });
      expect(Buffer.from(proven?.csrDer ?? []).equals(requester.csrDer)).toBe(true);
    },
  );

  it('can be signed with RSA-PSS too', async () => {
    const requester = await link('RSA 2048');
    const request = await forged(requester, { header: { alg: 'PS256' } });
    expect(await verifyRenewalRequest(request, requester.certificatePem)).toBeDefined();
  });

  it('names the first certificate of a PEM text with intermediates', async () => {
    const requester = await link();
    const request = await signRenewalRequest({
      ...requester,
      certificatePem: requester.certificatePem + pem.certificate,
    });
    expect(readRenewalRequest(request)?.certificateSha256).toBe(requester.hash.toString('hex'));
  });

  it('does not verify with the certificate of another link', async () => {
    const request = await signRenewalRequest(await link());
    for (const kind of Object.keys(KEYS)) {
      expect(await verifyRenewalRequest(request, (await link(kind)).certificatePem)).toBeUndefined();
    }
  });

  it('does not verify without a certificate, even if the dummy key signed it', async () => {
    const requester = await link();
    expect(await verifyRenewalRequest(await signRenewalRequest(requester), undefined)).toBeUndefined();
    const dummyKey = createPrivateKey({
      key: {
        kty: 'EC',
        crv: 'P-256',
        d: Buffer.from('1'.padStart(64, '0'), 'hex').toString('base64url'),
        x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
        y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
      },
      format: 'jwk',
    });
    expect(await verifyRenewalRequest(await forged(requester, { key: dummyKey }), undefined)).toBeUndefined();
  });

  it('does not verify when its content or signature was changed, or its signature is missing', async () => {
    const requester = await link();
    const [header = '', payload = '', signature = ''] = (await signRenewalRequest(requester)).split('.');
    const other = Buffer.from(payload, 'base64url').toString().replace('"iat":', '"iat":1');
    for (const request of [
      `${header}.${Buffer.from(other).toString('base64url')}.${signature}`,
      `${header}.${payload}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
    ]) {
      expect(await verifyRenewalRequest(request, requester.certificatePem)).toBeUndefined();
    }
  });

  it('does not verify with an algorithm for another key type, or with the certificate as a shared secret', async () => {
    const requester = await link('RSA 2048');
    const secret = Buffer.from(requester.certificatePem);
    const hs256 = await forged(requester, { header: { alg: 'HS256' }, key: secret });
    const swapped = await forged(requester, { header: { alg: 'RS384' } });
    for (const request of [hs256, swapped]) {
      expect(readRenewalRequest(request)).toBeUndefined();
      expect(await verifyRenewalRequest(request, requester.certificatePem)).toBeUndefined();
    }
    const ecdsa = await forged(await link(), { claims: { aud: `urn:uuid:${requester.redemptionId}` } });
    expect(await verifyRenewalRequest(ecdsa, requester.certificatePem)).toBeUndefined();
  });

  it('is invalid without an algorithm', async () => {
    const requester = await link();
    const [, payload] = (await signRenewalRequest(requester)).split('.');
    const header = { alg: 'none', typ: TYP, 'x5t#S256': requester.hash.toString('base64url') };
    const unsigned = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`;
    for (const request of [`${unsigned}.`, `${unsigned}.AAAA`]) {
      expect(readRenewalRequest(request)).toBeUndefined();
      expect(await verifyRenewalRequest(request, requester.certificatePem)).toBeUndefined();
    }
  });

  it.each<[string, Parameters<typeof forged>[1]]>([
    ['of the type of a signed code', { header: { typ: 'linkgrant-code+jwt' } }],
    ['without a type', { header: { typ: undefined } }],
    ['without the hash of a certificate', { header: { 'x5t#S256': undefined } }],
    ['with a hash of another length', { header: { 'x5t#S256': 'AAAA' } }],
    ['with an extension that changes what is signed', { header: { b64: true, crit: ['b64'] } }],
    ['without a CSR', { claims: { csr: undefined } }],
    ['with a CSR that is no base64', { claims: { csr: 'a_b-' } }],
    ['without a time', { claims: { iat: undefined } }],
    ['with a time that is text', { claims: { iat: '1' } }],
    ['with a time beyond the range of Date', { claims: { iat: 1e300 } }],
    ['without an audience', { claims: { aud: undefined } }],
    ['with an audience that is no redemption', { claims: { aud: 'https://example.com' } }],
    ['with an audience that is no UUID', { claims: { aud: 'urn:uuid:1' } }],
    ['whose claims are no JSON', { payload: 'csr' }],
    ['whose claims are no object', { payload: 'null' }],
  ])('is invalid %s', async (_what, changes) => {
    expect(readRenewalRequest(await forged(await link(), changes))).toBeUndefined();
  });

  it.each([
    ['empty text', ''],
    ['words', 'renew me'],
    ['three words', 'a.b.c'],
    ['more than 16 KiB', `eyJ${'A'.repeat(16 * 1024)}.e30.AAAA`],
    ['a header that is no JSON', 'eyJh.e30.AAAA'],
  ])('is not read from %s', (_what, text) => {
    expect(readRenewalRequest(text)).toBeUndefined();
  });

  it('cannot be signed with a key type that links do not have', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    await expect(signRenewalRequest({ ...(await link()), privateKey })).rejects.toThrow(
      'key type is not supported',
    );
  });
});
