import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { requestDirectory } from '../../../src/platforms/standalone/request-directory.js';
import {
  ensureLinkRequest,
  type LinkRequest,
  listLinkRequests,
  removeLinkRequest,
} from '../../../src/redemption/requesting/waiting-requests.js';
import { boundCode } from '../../support/bound-code.js';
import { keySha256, newKey } from '../../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { composeTestService } from '../../support/service.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

const service = releaseAfterFile(await composeTestService());

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

const requests = () => requestDirectory(site.dataDirectory);
const waiting = () => listLinkRequests(requests());
const request = (subject: string) => ensureLinkRequest(subject, requests());

/** A token that is bound to a key, of a new grant. */
async function tokenFor({ keySha256, subject }: Pick<LinkRequest, 'keySha256' | 'subject'>) {
  const { uid, code } = await boundCode(service, keySha256, { subject });
  const token: AccessToken = {
    name: 'hub',
    url: `https://127.0.0.1:${service.port}/${uid}`,
    code,
    ca: service.ca,
  };
  return { uid, token };
}

const redeemAs = (token: AccessToken, subject = 'east') => ({ token, subject });

describe('a link request', () => {
  it('is the same when it is repeated, also by concurrent runs, and is a private file', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => request('east')));
    expect(new Set([...made, await request('east')].map(({ keySha256: key }) => key)).size).toBe(1);
    expect((await request('west')).keySha256).not.toBe(made[0]?.keySha256);
    expect((await waiting()).map(({ subject }) => subject).sort()).toEqual(['east', 'west']);
    const modes = [...site.files().keys()].map((file) => statSync(join(site.root, file)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
  });

  it('is deleted with its key', async () => {
    await request('east');
    expect(await removeLinkRequest('east', requests())).toBe(true);
    expect(await removeLinkRequest('east', requests())).toBe(false);
    expect([...site.files().keys()]).toEqual([]);
  });

  it('is not listed if its file is damaged, and a repetition names the place', async () => {
    await request('east');
    const [file = ''] = site.files().keys();
    writeFileSync(join(site.root, file), 'damaged');
    expect(await waiting()).toEqual([]);
    await expect(request('east')).rejects.toMatchObject({
      code: 'not_writable',
      message: expect.stringContaining(requests().place),
    });
  });
});

describe('a token that is bound to a key', () => {
  it('is redeemed with the key of the waiting request, which then waits no longer', async () => {
    const made = await request('east');
    await request('west');
    const { uid, token } = await tokenFor(made);
    const { secret, certificate } = await site.redeem(redeemAs(token));
    expect(certificate.subject).toBe('east');
    expect(secret.tlsKey).toBe(made.keyPem);
    expect((await waiting()).map(({ subject }) => subject)).toEqual(['west']);
    expect(await service.used(uid)).toBe(1);
    expect((await site.redeem(redeemAs(token))).alreadyRedeemed).toBe(true);
    expect(await service.used(uid)).toBe(1);
  });

  it.each(['key-created', 'answer-received', 'answer-stored', 'outcome-written'])(
    'is redeemed once if the process is killed at "%s"',
    async (dieAt) => {
      const made = await request('east');
      const { uid, token } = await tokenFor(made);
      const named = { ...token, name: 'east' };
      expect(await site.spawn(named, { dieAt })).toEqual({ killed: true });
      const { secret } = await site.redeem(redeemAs(named));
      expect(new X509Certificate(secret.tlsCrt).subject).toBe('CN=east');
      expect(secret.tlsKey).toBe(made.keyPem);
      expect([await service.used(uid), await waiting()]).toEqual([1, []]);
    },
  );

  it('is not posted by a site without its key, and the error names the place of the requests', async () => {
    const { uid, token } = await tokenFor(await ensureLinkRequest('east', otherSite()));
    await request('east');
    await expect(site.redeem(redeemAs(token))).rejects.toMatchObject({
      code: 'key_missing',
      message: expect.stringContaining(requests().place),
    });
    expect(await service.used(uid)).toBe(0);
    expect([...site.files().keys()].filter((path) => !path.startsWith('data/requests/'))).toEqual([]);
  });

  it.each([
    ['rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['p384', () => newKey('secp384r1')],
  ])('is redeemed with a key of another program (%s)', async (_type, makeKey) => {
    const key = makeKey();
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { token } = await tokenFor({ keySha256: keySha256(key), subject: 'east' });
    const { secret } = await site.redeem({ ...redeemAs(token), keyPem });
    expect(new X509Certificate(secret.tlsCrt).checkPrivateKey(key)).toBe(true);
    expect((await site.redeem(redeemAs(token))).alreadyRedeemed).toBe(true);
  });

  it('returns the same link with the given key after the stored copy of the key is deleted', async () => {
    const key = newKey('secp384r1');
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { uid, token } = await tokenFor({ keySha256: keySha256(key), subject: 'east' });
    await site.redeem({ ...redeemAs(token), keyPem });
    const [stored = ''] = [...site.files().keys()].filter((path) => path.endsWith('/key.pem'));
    rmSync(join(site.root, stored));
    expect((await site.redeem({ ...redeemAs(token), keyPem })).alreadyRedeemed).toBe(true);
    expect(await service.used(uid)).toBe(1);
  });

  it('is not posted by the redeemer of a cluster, which has no requests', async () => {
    const { uid, token } = await tokenFor(await request('east'));
    await expect(site.redeem(redeemAs(token), { linkRequests: undefined })).rejects.toMatchObject({
      code: 'key_missing',
      message: expect.stringContaining('`linkgrant join`'),
    });
    expect(await service.used(uid)).toBe(0);
  });

  it('is not redeemed with another key than its own', async () => {
    const { uid, token } = await tokenFor(await request('east'));
    const keyPem = (await request('west')).keyPem;
    expect(await site.outcome({ ...redeemAs(token), keyPem })).toBe('key_missing');
    expect(await service.used(uid)).toBe(0);
  });

  it('is redeemed after an unreachable service, with the same key', async () => {
    const made = await request('east');
    const { token } = await tokenFor(made);
    const unreachable = { ...token, url: token.url.replace(/:\d+/, ':1') };
    expect(await site.outcome(redeemAs(unreachable))).toBe('connection_refused');
    expect((await waiting()).map(({ keySha256: key }) => key)).toEqual([made.keySha256]);
    expect((await site.redeem(redeemAs(token))).secret.tlsKey).toBe(made.keyPem);
  });
});

/** The requests of another site. */
function otherSite() {
  return requestDirectory(releaseAfterTest(makeRequestingSite()).dataDirectory);
}
