import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CLIENTS, expectClientCertificate, redeemNewGrant } from '../support/links/openssl-verdict.js';
import { csrHeader, endOf, inWholeSeconds, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { DAY, HOUR, MINUTE, startTestService } from '../support/service.js';
import { post, refusal } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';

const openssl = releaseAfterFile(new OpenSsl());
const service = releaseAfterFile(await startTestService());

describe('a link certificate signed by the site CA', () => {
  it.each(Object.entries(CLIENTS))(
    'a client with %s gets a certificate that verifies for TLS clients only',
    async (_what, client) => {
      expectClientCertificate(openssl, await redeemNewGrant(service, client()));
    },
  );

  it('is for the key of the CSR, and the response contains no private key', async () => {
    const key = newKey();
    const { x509, keyPem, secret } = await redeemNewGrant(service, csrHeader(key));
    expect(x509.checkPrivateKey(key)).toBe(true);
    expect(keyPem).toBeUndefined();
    expect(Object.keys(secret.data)).toEqual(['ca.crt', 'tls.crt']);
  });

  it('a redemption without a CSR returns a new P-256 private key in PKCS#8', async () => {
    const answers = [await redeemNewGrant(service, {}), await redeemNewGrant(service, {})];
    for (const { x509, key, keyPem, secret } of answers) {
      expect(Object.keys(secret.data)).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
      expect(keyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
      expect(key?.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
      expect(x509.checkPrivateKey(key ?? expect.fail('no key'))).toBe(true);
    }
    expect(answers[0]?.keyPem).not.toBe(answers[1]?.keyPem);
  });

  it('contains subject and redemption id, and no host name', async () => {
    const { x509, redemptionId } = await redeemNewGrant(service, {
      ...csrHeader(),
      name: 'west',
      subject: 'West Site',
    });
    expect(x509.subject).toBe('CN=West Site');
    expect(x509.subjectAltName).toBe(`URI:urn:uuid:${redemptionId}`);
    expect(x509.ca).toBe(false);
    const redemption = await service.store.findRedemption(redemptionId);
    expect(redemption).toMatchObject({
      name: 'west',
      subject: 'West Site',
      peer: '127.0.0.1',
      serial: x509.serialNumber.toLowerCase().padStart(32, '0'),
      notAfter: Date.parse(x509.validTo),
      certificateSha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    });
  });

  it('takes only the public key from a CSR', async () => {
    const keyFile = openssl.write('greedy.key', newKey().export({ type: 'pkcs8', format: 'pem' }).toString());
    const config = openssl.write(
      'greedy.cnf',
      '[req]\nprompt=no\ndistinguished_name=dn\nreq_extensions=ext\n[dn]\nCN=admin\nO=system:masters\n[ext]\nbasicConstraints=CA:TRUE\nsubjectAltName=DNS:skupper-router\nextendedKeyUsage=serverAuth\n',
    );
    const der = openssl.run(['req', '-new', '-key', keyFile, '-config', config, '-outform', 'DER']);
    const { x509 } = await redeemNewGrant(service, { csr: der.toString('base64'), subject: 'west' });
    expect(x509.subject).toBe('CN=west');
    expect(x509.ca).toBe(false);
    expect(x509.subjectAltName).toMatch(/^URI:urn:uuid:[-0-9a-f]{36}$/);
    expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('is issued for Ed25519 only if the grant allows it', async () => {
    const { csr } = csrHeader(generateKeyPairSync('ed25519').privateKey);
    const refused = await service.grant();
    const answer = await post(service, `/${refused.grant.uid}`, refused.code, { headers: { csr } });
    expect(refusal(answer)).toEqual([403, 'policy_key']);
    const { grant, code } = await service.storedGrant({ policy: { keyTypes: ['ed25519'] } });
    expectClientCertificate(
      openssl,
      redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers: { csr } })),
    );
  });

  it.each([
    ['1,825 days for a client that does not renew', {}, 1_825 * DAY],
    ['30 days for a client that renews', { renews: 'true' }, 30 * DAY],
    ['1,825 days for a client that sends another value of renews', { renews: 'yes' }, 1_825 * DAY],
  ])('is valid for %s', async (_what, headers, lifetime) => {
    const redeemed = await redeemNewGrant(service, { ...csrHeader(), ...headers });
    expect(endOf(redeemed)).toBe(inWholeSeconds(service.clock.read() + lifetime));
    expect(Date.parse(redeemed.x509.validFrom)).toBe(inWholeSeconds(service.clock.read() - 5 * MINUTE));
  });

  it.each([
    ['an hour for a client that does not renew', {}, HOUR, HOUR],
    ['an hour for a client that renews', { renews: 'true' }, HOUR, HOUR],
    ['not longer than 30 days for a client that renews', { renews: 'true' }, 90 * DAY, 30 * DAY],
  ])('has its lifetime limited by the grant: %s', async (_what, headers, certificateLifetimeMs, lifetime) => {
    const { grant, code } = await service.storedGrant({ policy: { certificateLifetimeMs } });
    const answer = await post(service, `/${grant.uid}`, code, { headers: { ...csrHeader(), ...headers } });
    expect(endOf(redeemedAnswer(answer))).toBe(inWholeSeconds(service.clock.read() + lifetime));
  });
});

describe('a site with several endpoint groups', () => {
  it('returns one Link for each group, in the order of the groups, all with one Secret', async () => {
    const endpoint = [
      'inter-router=b.example.com:1@group-b',
      'edge=a.example.com:2@group-a',
      'inter-router=a.example.com:3@group-a',
    ];
    const service = releaseAfterTest(await startTestService({ endpoint }));
    const { links, secret } = await redeemNewGrant(service, { ...csrHeader(), name: 'west' });
    expect(secret.metadata.name).toBe('west');
    expect(links).toMatchObject([
      {
        metadata: { name: 'west-1' },
        spec: { tlsCredentials: 'west', endpoints: [{ port: '2' }, { port: '3' }] },
      },
      { metadata: { name: 'west-2' }, spec: { tlsCredentials: 'west', endpoints: [{ port: '1' }] } },
    ]);
    const { grant, code } = await service.grant();
    const headers = { ...csrHeader(), name: 'x'.repeat(252) };
    const tooLong = await post(service, `/${grant.uid}`, code, { headers });
    expect([tooLong.status, await service.used(grant.uid)]).toEqual([400, 0]);
  });
});

describe('a service with --server-key-type rsa2048', () => {
  it('returns to Skupper clients an RSA key that matches the certificate', async () => {
    const service = releaseAfterTest(await startTestService({ serverKeyType: 'rsa2048' }));
    const answers = await Promise.all(Array.from({ length: 4 }, () => redeemNewGrant(service, {})));
    for (const answer of answers) {
      expect(answer.key?.asymmetricKeyDetails).toMatchObject({
        modulusLength: 2048,
        publicExponent: 65_537n,
      });
      expect(answer.x509.checkPrivateKey(answer.key ?? expect.fail('no key'))).toBe(true);
      expectClientCertificate(openssl, answer);
    }
    expect(new Set(answers.map(({ keyPem }) => keyPem)).size).toBe(4);
  });
});
