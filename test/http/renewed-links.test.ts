import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { SITE_CA } from '../../src/domain/names.js';
import { OwnedAuthorities } from '../../src/platforms/standalone/owned-authorities.js';
import { StandaloneSite } from '../../src/platforms/standalone/site.js';
import { type GeneratedLink, generateLink } from '../../src/redemption/accepting/generate-link.js';
import {
  linkOf,
  postRenewal,
  type RequestChanges,
  redeemLink,
  renewalOf,
  renewTestLink,
  requestRenewal,
  type TestLink,
} from '../support/links/test-link.js';
import { csrHeader, endOf, inWholeSeconds, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { makeIdentity, writeIdentity } from '../support/server-identity.js';
import { DAY, ENDPOINTS, MINUTE, startTestService } from '../support/service.js';
import { openWire, outcomeOf, post, type WireResponse } from '../support/wire.js';
import { makeAuthority, OpenSsl } from '../unit/pki/openssl.js';

let service: Awaited<ReturnType<typeof startTestService>>;

const openssl = releaseAfterFile(new OpenSsl());

beforeEach(async () => {
  service = releaseAfterTest(await startTestService());
});

const renew = (link: TestLink, changes?: RequestChanges) => requestRenewal(link, service, changes);

/** Expects a key to match its certificate, and OpenSSL to verify it for TLS clients of `ca` at the service's time. */
function expectLivePair(link: TestLink, ca: string, { clock } = service): void {
  expect(new X509Certificate(link.certificate).checkPrivateKey(link.key)).toBe(true);
  const at = ['-attime', String(Math.floor(clock.read() / 1000))];
  const leaf = openssl.write('leaf.pem', link.certificate);
  const files = ['-CAfile', openssl.write('ca.pem', ca), '-untrusted', leaf, leaf];
  const verdict = openssl.try(['verify', '-x509_strict', '-purpose', 'sslclient', ...at, ...files]);
  expect(verdict.ok, verdict.output).toBe(true);
}

describe('a renewal', () => {
  it('returns a certificate for a new key, with the same identity', async () => {
    const created = await service.grant();
    const key = newKey();
    const headers = { ...csrHeader(key), name: 'west', subject: 'the west site' };
    const first = redeemedAnswer(await post(service, `/${created.grant.uid}`, created.code, { headers }));
    const link = linkOf(first, key);
    service.clock.advance(20 * DAY);
    const next = newKey();
    const answer = redeemedAnswer(await renew(link, { newKey: next }));
    expect(answer.secret.data).not.toHaveProperty('tls.key');
    expect(answer.secret.metadata).toEqual(first.secret.metadata);
    expect(answer.links).toEqual(first.links);
    expect(answer.ca).toBe(first.ca);
    expect(answer.x509.subject).toBe('CN=the west site');
    expect(answer.x509.subjectAltName).toBe(`URI:urn:uuid:${link.id}`);
    expect(answer.x509.serialNumber).not.toBe(first.x509.serialNumber);
    expect(endOf(answer)).toBe(inWholeSeconds(service.clock.read() + 30 * DAY));
    expectLivePair(linkOf(answer, next), answer.ca);
    const renewals = await service.store.listRenewals(link.id);
    expect(renewals).toMatchObject([{ number: 1, certificate: answer.certificate, peer: '127.0.0.1' }]);
  });

  it('returns the renewal URL and the CA of the service', async () => {
    const link = await redeemLink(service);
    const answer = redeemedAnswer(await renew(link));
    expect(answer.secret.metadata.annotations).toEqual({
      'linkgrant.dev/redemption-id': link.id,
      'linkgrant.dev/renewal-url': `https://127.0.0.1:${service.port}/-/renew`,
      'linkgrant.dev/server-ca': service.ca,
    });
  });

  it('works for a link that a Skupper client redeemed, with the key of the service', async () => {
    const { grant, code } = await service.grant();
    const link = linkOf(redeemedAnswer(await post(service, `/${grant.uid}`, code)));
    const next = newKey();
    const answer = redeemedAnswer(await renew(link, { newKey: next }));
    expectLivePair(linkOf(answer, next), answer.ca);
  });

  it('works for a link of link generate, even if its grant is deleted', async () => {
    const authorities = new OwnedAuthorities(service.directory);
    await authorities.ensure('other', 'another CA', service.clock.read());
    const site = new StandaloneSite({
      endpoints: ENDPOINTS,
      defaultIssuer: () => authorities.find(SITE_CA, service.clock.read()),
      findIssuer: (name) => authorities.find(name, service.clock.read()),
      clock: service.clock.read,
    });
    const request = { namespace: 'default', name: 'to-west', subject: 'east', issuer: 'other' };
    const { store, clock } = service;
    const created = (await generateLink(request, { store, site, clock: clock.read })) as GeneratedLink;
    const annotations = created.secret.annotations ?? {};
    expect(annotations['linkgrant.dev/renewal-url']).toBe(`https://127.0.0.1:${service.port}/-/renew`);
    const key = createPrivateKey(created.secret.tlsKey);
    const link = { id: created.redemption.id, key, certificate: created.secret.tlsCrt };
    const answer = redeemedAnswer(await renew(link));
    expect(answer.secret.metadata.name).toBe('to-west');
    expect(answer.x509.issuer).toBe('CN=another CA');
  });

  it('accepts one trailing newline, and any content type', async () => {
    const request = await renewalOf(await redeemLink(service), service);
    const headers = { 'content-type': 'text/plain' };
    redeemedAnswer(await postRenewal(service, `${request}\n`, { headers }));
  });

  it('works after its grant is revoked or deleted', async () => {
    const created = await service.grant({ redemptionsAllowed: 2 });
    const [one, two] = [
      await redeemLink(service, newKey(), created),
      await redeemLink(service, newKey(), created),
    ];
    await service.store.revokeGrant(created.grant.uid, service.clock.read());
    await renewTestLink(one, service);
    await service.store.deleteGrant(created.grant.uid);
    await renewTestLink(two, service);
  });

  it('returns a certificate of the new issuer if the old one is no longer trusted', async () => {
    const link = await redeemLink(service);
    const other = makeAuthority(openssl, { subject: '/CN=the new CA' });
    const issuer = {
      issuerCert: openssl.write('new-ca.pem', other.certificate),
      issuerKey: openssl.write('new-ca.key', other.key),
    };
    await service.running.close();
    const moved = releaseAfterTest(await startTestService({ dataDir: service.directory, ...issuer }));
    const next = newKey();
    const renewed = await postRenewal(moved, await renewalOf(link, moved, { newKey: next }));
    const answer = redeemedAnswer(renewed);
    expect(answer.x509.issuer).toBe('CN=the new CA');
    expectLivePair(linkOf(answer, next), answer.ca, moved);
  });
});

describe('a repeated renewal request', () => {
  it('a request by the old certificate for the same key gets the newest certificate, even 40 days later', async () => {
    const link = await redeemLink(service);
    const next = newKey();
    const first = await renew(link, { newKey: next });
    service.clock.advance(40 * DAY);
    const again = await renew(link, { newKey: next });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await service.store.listRenewals(link.id)).toHaveLength(1);
  });

  it('a request by the new certificate for its own key gets that certificate', async () => {
    const link = await redeemLink(service);
    const renewed = await renewTestLink(link, service);
    const answer = redeemedAnswer(await renew(renewed, { newKey: renewed.key }));
    expect(answer.certificate).toBe(renewed.certificate);
    expect(await service.store.listRenewals(link.id)).toHaveLength(1);
  });

  it('a request sent 20 times at once for one key is one renewal', async () => {
    const link = await redeemLink(service);
    const next = newKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => renew(link, { newKey: next })));
    expect(new Set(answers.map((answer) => redeemedAnswer(answer).certificate)).size).toBe(1);
    expect(await service.store.listRenewals(link.id)).toHaveLength(1);
  });

  it('requests sent at once for six keys end with one newest certificate, and the other clients get superseded', async () => {
    const link = await redeemLink(service);
    const keys = Array.from({ length: 6 }, () => newKey());
    const answers = await Promise.all(keys.map((key) => renew(link, { newKey: key })));
    const won = answers.filter(({ status }) => status === 200);
    const lost = answers.filter(({ status }) => status !== 200);
    expect(won).toHaveLength(1);
    for (const answer of lost)
      expect(outcomeOf(answer)).toEqual([409, 'Certificate superseded\n', 'superseded']);
    const [newest, ...others] = await service.store.listRenewals(link.id);
    expect(others).toEqual([]);
    expect(newest?.certificate).toBe(redeemedAnswer(won[0] as WireResponse).certificate);
  });
});

describe('20 lifetimes with 5 % of the responses lost', () => {
  // The clients use the machine's time, at which a server certificate of a later year is not valid yet.
  beforeEach(async () => {
    const identity = writeIdentity(openssl.directory, await makeIdentity());
    service = releaseAfterTest(await startTestService(identity));
  });

  /** Sends a request and drops the connection: at once, or when the renewal is recorded. */
  async function lose(link: TestLink, request: string, untilRecorded: number | undefined): Promise<void> {
    const wire = await openWire(service);
    const head = ['POST /-/renew HTTP/1.1', 'host: h', `content-length: ${request.length}`, '', ''];
    wire.socket.pause();
    await new Promise<void>((sent) => wire.socket.write(head.join('\r\n') + request, () => sent()));
    while (untilRecorded !== undefined && (await recorded(link)) < untilRecorded) await sleep(2);
    wire.socket.destroy();
    await wire.ended;
  }
  const recorded = async ({ id }: TestLink) => (await service.store.listRenewals(id)).length;

  it('each link always has one newest certificate and a working key pair', {
    timeout: 300_000,
  }, async () => {
    let seed = 20_310_304;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const created = await service.grant({ redemptionsAllowed: 5 });
    let lost = 0;
    const links = await Promise.all(Array.from({ length: 5 }, () => redeemLink(service, newKey(), created)));
    for (let lifetime = 1; lifetime <= 20; lifetime += 1) {
      service.clock.advance(20 * DAY);
      for (const [index, link] of links.entries()) {
        const next = newKey();
        if (random() < 0.05) {
          lost += 1;
          const request = await renewalOf(link, service, { newKey: next });
          await lose(link, request, random() < 0.7 ? lifetime : undefined);
          service.clock.advance(MINUTE);
        }
        const answer = redeemedAnswer(await renew(link, { newKey: next }));
        const renewed = linkOf(answer, next);
        expectLivePair(renewed, answer.ca);
        const renewals = await service.store.listRenewals(link.id);
        const numbers = Array.from({ length: lifetime }, (_, n) => n + 1);
        expect(renewals.map(({ number }) => number)).toEqual(numbers);
        expect(renewals.at(-1)?.certificate).toBe(renewed.certificate);
        links[index] = renewed;
      }
    }
    expect(lost).toBeGreaterThan(2);
  });
});
