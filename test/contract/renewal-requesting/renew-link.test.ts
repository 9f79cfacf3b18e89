import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { generateKey, readPrivateKey, spkiOf } from '../../../src/pki/keys.js';
import { newKey } from '../../support/redeemed-answer.js';
import { releaseAfterTest } from '../../support/release.js';
import { makeAuthority } from '../../support/server-identity.js';
import { startRenewingServer } from '../../support/servers/renewing-server.js';
import { makeRenewedSite, type RenewedSite } from '../../support/sites/renewed-site.js';

let site: RenewedSite;

beforeEach(async () => {
  site = releaseAfterTest(await makeRenewedSite());
});

const secretFile = () => join(site.directory, 'Secret-to-west.yaml');

describe('link renew', () => {
  test('replaces certificate and key in the Secret, and retains everything else in its file', async () => {
    const before = await site.secret();
    const text = readFileSync(secretFile(), 'utf8');
    writeFileSync(secretFile(), text.replace('metadata:', 'metadata:\n  namespace: "east"'));
    const renewed = await site.renew();
    const after = await site.secret();
    expect(after.tlsCrt).not.toBe(before.tlsCrt);
    expect(after.tlsKey).not.toBe(before.tlsKey);
    expect(new X509Certificate(after.tlsCrt).serialNumber.toLowerCase()).toBe(renewed.certificate.serial);
    expect(renewed.certificate.notAfter).toBeGreaterThan(
      Date.parse(new X509Certificate(before.tlsCrt).validTo),
    );
    const { metadata, type } = parse(readFileSync(secretFile(), 'utf8'));
    expect(type).toBe('kubernetes.io/tls');
    expect(metadata.namespace).toBe('east');
    expect(metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'linkgrant' });
    expect(statSync(secretFile()).mode & 0o777).toBe(0o600);
    expect(site.storedKeyFiles()).toEqual([]);
  });

  test('deletes the new key that a renewal left beside the Secret when it was killed', async () => {
    const left = join(site.directory, '.Secret-to-west.yaml.11111111-0000-4000-8000-000000000000');
    writeFileSync(left, 'the key of a renewal that was killed');
    const anHourAgo = Date.now() / 1000 - 3_600;
    utimesSync(left, anHourAgo, anHourAgo);
    await site.renew();
    expect(existsSync(left)).toBe(false);
  });

  test.each([
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['P-384', () => newKey('secp384r1')],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
  ])('signs with a %s key, and gets a P-256 certificate', async (_type, makeKey) => {
    site = releaseAfterTest(await makeRenewedSite(makeKey()));
    await site.renew();
    const { publicKey } = new X509Certificate((await site.secret()).tlsCrt);
    expect(publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  test('renews in each of twenty runs, with one certificate each, while responses are lost', async () => {
    for (let life = 1; life <= 20; life += 1) {
      site.server.loseAnswers(life % 3);
      await site.renew();
      expect(site.server.issued()).toBe(life);
    }
    expect(site.storedKeyFiles()).toEqual([]);
  });

  test('stores the URL of the service from the response, on any origin, and uses it next time', async () => {
    const next = releaseAfterTest(await startRenewingServer(site.server.redemptionId));
    site.server.changeAnswers((answer) => ({
      ...answer,
      annotations: {
        ...answer.annotations,
        'linkgrant.dev/renewal-url': next.url,
        'linkgrant.dev/server-ca': site.server.ca + next.ca,
        'example.com/other': 'x',
      },
    }));
    await site.renew();
    const { annotations } = await site.secret();
    expect(annotations).toMatchObject({ 'linkgrant.dev/renewal-url': next.url });
    expect(annotations).not.toHaveProperty(['example.com/other']);
    next.setNewest((await site.secret()).tlsCrt);
    await site.renew();
    expect([site.server.issued(), next.issued()]).toEqual([1, 1]);
  });

  test("signs once more with the service's time if the clocks differ, and not more often", async () => {
    site.server.setClock(() => Date.now() + 3_600_000);
    await site.renew();
    expect(site.server.keys).toHaveLength(2);
    let steps = 0;
    site.server.setClock(() => Date.now() + 3_600_000 * ++steps);
    expect(await site.outcome()).toBe('renewal_stale');
    expect(site.server.keys).toHaveLength(4);
  });

  test('sends the same key again after every response of a run was lost', async () => {
    site.server.loseAnswers(3);
    const before = await site.secret();
    expect(await site.outcome()).toBe('service_unavailable');
    expect(await site.secret()).toEqual(before);
    expect(site.storedKeyFiles()).toHaveLength(1);
    await site.renew();
    expect(site.server.issued()).toBe(1);
    expect(new Set(site.server.keys).size).toBe(1);
    expect(site.storedKeyFiles()).toEqual([]);
  });

  test.each([
    ['damaged', async () => 'nothing'],
    ['not of P-256', async () => (await generateKey('rsa2048')).keyPem],
  ])('creates a new key if the stored one is %s', async (_what, makeKey) => {
    site.server.refuse(503, 'overloaded');
    expect(await site.outcome()).toBe('overloaded');
    const [kept = ''] = site.storedKeyFiles();
    const stored = await makeKey();
    writeFileSync(join(site.dataDirectory, 'renewals', kept), stored);
    expect(await site.outcome()).toBe('overloaded');
    const renewed = readFileSync(join(site.dataDirectory, 'renewals', kept), 'utf8');
    expect(renewed).not.toBe(stored);
    expect(createPrivateKey(renewed).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });
});

describe('a failed renewal', () => {
  test.each([
    [403, 'redemption_revoked'],
    [403, 'renewal_expired'],
    [403, 'site_replaced'],
    [403, 'redemption_replaced'],
    [403, 'renewal_refused'],
    [409, 'superseded'],
    [503, 'issuer_unavailable'],
  ])(
    'reports the code of the response (HTTP status %i, code %s), and does not change the link',
    async (status, code) => {
      const before = await site.secret();
      site.server.refuse(status, code);
      expect(await site.outcome()).toBe(code);
      expect(site.server.seen).toHaveLength(1);
      expect(await site.secret()).toEqual(before);
    },
  );

  test('leaves the link unchanged if no server responds, or if the server has another CA', async () => {
    const before = await site.secret();
    const link = await site.link();
    const elsewhere = async (changes: Partial<typeof link>) =>
      site.renew({}, { ...link, ...changes }).catch(({ code }) => code);
    expect(await elsewhere({ url: 'https://127.0.0.1:1/-/renew' })).toBe('connection_refused');
    expect(await elsewhere({ ca: site.server.authority.bundlePem })).toBe('tls_untrusted');
    expect(await elsewhere({ url: 'http://127.0.0.1:1/-/renew' })).toBe('not_https');
    expect(await site.secret()).toEqual(before);
  });

  test('refuses a certificate for another key, of another redemption, or without its CA in the response', async () => {
    const before = await site.secret();
    const other = (await generateKey('p256')).spkiDer;
    const foreign = await makeAuthority('Foreign CA');
    const tlsKey = (await generateKey('p256')).keyPem;
    const hostile: Parameters<typeof site.server.changeAnswers>[0][] = [
      (answer) => ({ ...answer, spkiDer: other }),
      (answer) => ({ ...answer, redemptionId: '0bde3bc8-a4a2-404a-bfbe-44fdf7bf3232' }),
      (answer) => ({ ...answer, authority: foreign, caCrt: answer.authority.bundlePem }),
      (answer) => ({ ...answer, tlsKey }),
      (answer) => ({ ...answer, spkiDer: spkiOf(readPrivateKey(tlsKey)), tlsKey }),
      () => 'x'.repeat(2 * 1024 * 1024),
      () => '---\nnot: an answer\n',
      () => '',
    ];
    for (const change of hostile) {
      site.server.setNewest(before.tlsCrt);
      site.server.changeAnswers(change);
      expect(await site.outcome()).toBe('answer_invalid');
      expect(await site.secret()).toEqual(before);
    }
  });

  test('retains the stored renewal URL if the one in the response is not https', async () => {
    site.server.changeAnswers((answer) => ({
      ...answer,
      annotations: { 'linkgrant.dev/renewal-url': 'http://127.0.0.1/-/renew' },
    }));
    await site.renew();
    expect((await site.secret()).annotations).toMatchObject({
      'linkgrant.dev/redemption-id': site.server.redemptionId,
      'linkgrant.dev/renewal-url': site.server.url,
      'linkgrant.dev/server-ca': site.server.ca,
    });
  });
});
