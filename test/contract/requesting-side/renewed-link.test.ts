import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { issueClientCertificate } from '../../../src/pki/certificates.js';
import { generateKey } from '../../../src/pki/keys.js';
import { linkDirectory } from '../../../src/platforms/files/link-directory.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS } from '../../support/server-identity.js';
import { type IssuingServer, issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;
let server: IssuingServer;

beforeEach(async () => {
  site = releaseAfterTest(makeRequestingSite());
  server = await issuingServerForTest('linkgrant');
});

const secretText = () => readFileSync(join(site.to, 'Secret-my-link.yaml'), 'utf8');

/** Redeems the token and writes a renewed key pair; returns the serial number of its certificate. */
async function redeemAndRenew(redemptionId?: string): Promise<string> {
  const redeemed = await site.redeem({ token: server.token });
  const { keyPem: tlsKey, spkiDer } = await generateKey('p256');
  const { certificate: tlsCrt } = await issueClientCertificate({
    authority: server.authority,
    spkiDer,
    subject: 'my-link',
    redemptionId: redemptionId ?? redeemed.redemptionId ?? '',
    lifetimeMs: 60 * DAY_MS,
    now: Date.now(),
  });
  const renewed = { ...redeemed.secret, tlsCrt, tlsKey };
  await linkDirectory(site.to).replaceCredentials('my-link', redeemed.secret.tlsCrt, renewed);
  return describeCertificate(tlsCrt).serial;
}

test.each([
  ['is valid', 0],
  ['has ended', 40 * DAY_MS],
])(
  'a repeated redemption leaves the renewed key pair in place while the first certificate %s',
  async (_state, later) => {
    const serial = await redeemAndRenew();
    const before = secretText();
    const again = await site.redeem({ token: server.token }, { clock: () => Date.now() + later });
    expect(again).toMatchObject({ alreadyRedeemed: true, certificate: { serial } });
    expect(secretText()).toBe(before);
    expect(server.issued()).toBe(1);
  },
);

test('a repeated redemption restores a deleted Link with the renewed key pair', async () => {
  const serial = await redeemAndRenew();
  await linkDirectory(site.to).remove('Link', 'my-link');
  expect((await site.redeem({ token: server.token })).certificate.serial).toBe(serial);
  expect(await linkDirectory(site.to).list()).toHaveLength(1);
});

test('a certificate of another redemption is no renewal: the key pair of this redemption is restored', async () => {
  const serial = await redeemAndRenew('0bde3bc8-a4a2-404a-bfbe-44fdf7bf3232');
  const again = await site.redeem({ token: server.token });
  expect(again.certificate.serial).not.toBe(serial);
  const { tlsCrt = '' } = (await linkDirectory(site.to).findSecret('my-link')) ?? {};
  expect(describeCertificate(tlsCrt).serial).toBe(again.certificate.serial);
});
