import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRedemptionClient } from '../../src/client/https-redemption-client.js';
import { issueSiteCertificate, openIssuers, SERVER_CA, SITE_CA } from '../../src/compose/site-issuer.js';
import { loadConfiguration } from '../../src/config/config.js';
import { describeCertificate, splitCertificates } from '../../src/pki/certificate-info.js';
import { ISSUER_CHECK_INTERVAL_MS } from '../../src/platforms/standalone/site.js';
import { type Retirement, retireIssuer } from '../../src/redemption/issuers/retire-issuer.js';
import type { RotatingIssuers } from '../../src/redemption/ports/issuers.js';
import { allLinked, dialEach, trustedCas } from '../support/links/dialled-pairs.js';
import { type LinkPair, redeemLink, renewTestLink } from '../support/links/test-link.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { DAY, MINUTE, startTestService, type TestService } from '../support/service.js';
import { openWire, parseResponse, post } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

let service: Awaited<ReturnType<typeof startTestService>>;
let issuers: RotatingIssuers;

beforeEach(async () => {
  service = releaseAfterTest(await startTestService());
  issuers = openIssuers(service.directory, { clock: service.clock.read, checkpoint: () => {} });
});

const now = () => service.clock.read();

/** Makes the service check the files of its CAs again. */
const passInterval = () => service.clock.advance(ISSUER_CHECK_INTERVAL_MS);

function retire(name: string, force = false): Promise<readonly Retirement[]> {
  const signs = name === SERVER_CA ? 'service' : 'links';
  const { store, clock } = service;
  return retireIssuer({ name, signs, force }, { issuers, store, clock: clock.read });
}

const redeem = () => redeemLink(service);
const renew = (pair: LinkPair) => renewTestLink(pair, service);

/** Redeems and renews three links without a pause; `stop` ends the load and rejects with the first failure. */
function startLoad(): {
  pairs(): LinkPair[];
  rounds(count: number): Promise<void>;
  stop(): Promise<void>;
} {
  const pairs: LinkPair[] = [];
  let rounds = 0;
  let stopped = false;
  let failure: unknown;
  const work = async (index: number) => {
    try {
      while (!stopped) {
        const pair = pairs[index];
        pairs[index] = pair ? await renew(pair) : await redeem();
        await redeem();
        rounds += 1;
      }
    } catch (error) {
      failure ??= error;
    }
  };
  const done = Promise.all(Array.from({ length: 3 }, (_, index) => work(index)));
  return {
    pairs: () => [...pairs],
    async rounds(count) {
      const wanted = rounds + count;
      while (rounds < wanted && failure === undefined) await new Promise(setImmediate);
      if (failure !== undefined) throw failure;
    },
    async stop() {
      stopped = true;
      await done;
      if (failure !== undefined) throw failure;
    },
  };
}

type RouterIdentity = Awaited<ReturnType<typeof issueSiteCertificate>>;

/** Issues a server certificate for a router, as `issuer server-certificate` does. */
function routerIdentity(): Promise<RouterIdentity> {
  const { settings } = loadConfiguration({ dataDir: service.directory }, {});
  return issueSiteCertificate(settings, { issuer: SITE_CA, hosts: ['127.0.0.1'] }, now());
}

describe("rotation of the links' CA", () => {
  it('fails no redemption and no renewal under load, and every valid certificate connects at each step', async () => {
    const load = startLoad();
    await load.rounds(4);
    const idle = await redeem();
    const before = await routerIdentity();
    const first = await trustedCas(service);
    const expectLinked = async (identity: RouterIdentity, clientCa: string) => {
      const pairs = [idle, ...load.pairs()];
      expect(await dialEach(openssl, pairs, identity, clientCa)).toEqual(allLinked(pairs));
    };
    await expectLinked(before, first);

    expect(await issuers.prepare(SITE_CA)).toBe('prepared');
    passInterval();
    await load.rounds(4);
    const both = await trustedCas(service);
    expect(splitCertificates(both)).toHaveLength(2);
    await expectLinked(before, both);

    expect(await issuers.activate(SITE_CA)).toBe('activated');
    await load.rounds(4);
    passInterval();
    await load.rounds(4);
    await expectLinked(before, both);
    // Also at a router that is updated too early, or too late.
    await expectLinked(await routerIdentity(), both);
    await expectLinked(before, first);
    service.clock.advance(MINUTE);
    expect(await retire(SITE_CA)).toMatchObject([{ dependents: { links: expect.any(Number) } }]);

    await load.stop();
    const renewed = await renew(idle);
    // Revoke the redemptions that the load made and did not renew.
    for (const { id } of (await service.store.listRedemptions({ limit: 500 })).items) {
      if (![renewed, ...load.pairs()].some((pair) => pair.id === id))
        await service.store.revokeRedemption(id, now());
    }
    const last = startLoad();
    await last.rounds(2);
    expect(await retire(SITE_CA)).toMatchObject([
      { ca: { subject: 'linkgrant site CA' }, retired: { links: 0 } },
    ]);
    passInterval();
    await last.rounds(4);
    await last.stop();
    const alone = await trustedCas(service);
    expect(splitCertificates(alone)).toEqual(splitCertificates(both).filter((pem) => !first.includes(pem)));
    const after = await routerIdentity();
    const live = [renewed, ...load.pairs(), ...last.pairs()];
    expect(await dialEach(openssl, live, after, alone)).toEqual(allLinked(live));
    const [cut] = await dialEach(openssl, [{ ...idle, ca: both }], after, alone);
    expect(cut).toMatch(/ALERT|ECONNRESET/);
    const late = await redeem();
    expect(late.ca).toBe(alone);
    expect(splitCertificates(late.certificate)).toHaveLength(1);
  });

  it('takes effect in a running service within a second', async () => {
    await redeem();
    await issuers.prepare(SITE_CA);
    await issuers.activate(SITE_CA);
    const [first, second] = ['CN=linkgrant site CA', 'CN=linkgrant site CA 2'];
    const issuerOf = ({ certificate }: LinkPair) => new X509Certificate(certificate).issuer;
    expect(issuerOf(await redeem())).toBe(first);
    service.clock.advance(999);
    expect(issuerOf(await redeem())).toBe(first);
    service.clock.advance(1);
    expect(issuerOf(await redeem())).toBe(second);
  });

  it('returns both CAs in a replay too', async () => {
    const { grant, code } = await service.grant();
    const headers = csrHeader();
    const ask = async () => redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers }));
    const first = await ask();
    await issuers.prepare(SITE_CA);
    await issuers.activate(SITE_CA);
    passInterval();
    const again = await ask();
    expect(again.certificate).toBe(first.certificate);
    expect(again.ca).toBe(await trustedCas(service));
    expect(splitCertificates(again.ca)).toHaveLength(2);
  });

  it('can start again before the last rotation is complete; certificates of the first CA connect until it is retired', async () => {
    const oldest = await redeem();
    for (let turn = 0; turn < 2; turn += 1) {
      await issuers.prepare(SITE_CA);
      await issuers.activate(SITE_CA);
      service.clock.advance(MINUTE);
    }
    expect(issuers.list(SITE_CA).map(({ state, subject }) => [state, subject])).toEqual([
      ['active', 'linkgrant site CA 3'],
      ['retiring', 'linkgrant site CA'],
      ['retiring', 'linkgrant site CA 2'],
    ]);
    const pairs = [oldest, await redeem()];
    expect(await dialEach(openssl, pairs, await routerIdentity(), await trustedCas(service))).toEqual(
      allLinked(pairs),
    );
    // No link depends on the second CA, but the oldest pair verifies the newest CA through it.
    expect(await retire(SITE_CA)).toMatchObject([
      { ca: { subject: 'linkgrant site CA' }, dependents: { links: 1 } },
    ]);
    expect(await dialEach(openssl, pairs, await routerIdentity(), await trustedCas(service))).toEqual(
      allLinked(pairs),
    );
    await renew(oldest);
    expect(await retire(SITE_CA)).toMatchObject([{ retired: {} }, { retired: {} }]);
    passInterval();
    expect(splitCertificates(await trustedCas(service))).toHaveLength(1);
  });
});

describe("rotation of the service's CA", () => {
  const through = (ca: string): TestService => ({ ...service, ca });

  it('old tokens and links connect until the old CA is retired, new ones afterwards too', async () => {
    const old = service.ca;
    const early = await service.grant({ expirationWindowMs: 2 * DAY });
    const link = await redeem();
    // Tokens created at the time of the change count as created before it, so a minute passes below.
    await issuers.prepare(SERVER_CA);
    await service.running.reloadIdentity();
    service.clock.advance(MINUTE);
    const { grant, code } = await service.grant();
    const answer = redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers: csrHeader() }));
    const both = answer.secret.metadata.annotations?.['linkgrant.dev/server-ca'] ?? '';
    const [, prepared = ''] = splitCertificates(both);
    expect(splitCertificates(both)).toEqual([...splitCertificates(old), prepared]);

    const open = await openWire(through(old));
    await issuers.activate(SERVER_CA);
    await service.running.reloadIdentity();
    const body = early.code;
    open.send(
      `POST /${early.grant.uid} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(parseResponse(await open.ended).status).toBe(200);
    const current = await openWire(through(prepared));
    expect(current.socket.getPeerCertificate(false).issuer.CN).toBe('linkgrant server CA 2');
    current.socket.destroy();
    for (const ca of [old, both, prepared]) {
      const next = await service.grant();
      const redeemed = await post(through(ca), `/${next.grant.uid}`, next.code, { headers: csrHeader() });
      expect(redeemed.status).toBe(200);
    }
    // The client connects with join lines that pin either CA.
    const client = createRedemptionClient({ clock: Date.now });
    for (const pem of [old, prepared]) {
      const token = { name: 'to-hub', url: `https://127.0.0.1:${service.port}/${grant.uid}`, code };
      const ca = { pin: describeCertificate(pem).sha256.slice(0, 32) };
      expect(await client.check({ ...token, ca })).toMatchObject({ state: 'exhausted' });
    }

    service.clock.advance(MINUTE);
    expect(await retire(SERVER_CA)).toMatchObject([{ dependents: { links: 1, tokens: true } }]);
    await renewTestLink(link, through(old));
    expect(await retire(SERVER_CA)).toMatchObject([{ dependents: { links: 0, tokens: true } }]);
    await service.store.revokeGrant(early.grant.uid, now());
    // The grant of the link is exhausted, but its response can be repeated until the grant is revoked or expires.
    await service.store.revokeGrant((await service.store.findRedemption(link.id))?.grantUid ?? '', now());
    expect(await retire(SERVER_CA)).toMatchObject([{ retired: { links: 0, tokens: false } }]);
    await service.running.reloadIdentity();
    const late = await service.grant();
    await expect(post(through(old), `/${late.grant.uid}`, late.code)).rejects.toThrow();
    const last = redeemedAnswer(
      await post(through(prepared), `/${late.grant.uid}`, late.code, { headers: csrHeader() }),
    );
    expect(splitCertificates(last.secret.metadata.annotations?.['linkgrant.dev/server-ca'] ?? '')).toEqual([
      prepared,
    ]);
    expect(service.logText()).not.toContain('certificate_kept');
  });

  it('waits until every service uses the new CA', async () => {
    await issuers.prepare(SERVER_CA);
    await issuers.activate(SERVER_CA);
    expect(await retire(SERVER_CA)).toMatchObject([{ waitMs: 30_000 }]);
    service.clock.advance(29_000);
    expect(await retire(SERVER_CA)).toMatchObject([{ waitMs: 1_000 }]);
    expect(issuers.list(SERVER_CA)).toHaveLength(2);
    service.clock.advance(1_000);
    expect(await retire(SERVER_CA)).toMatchObject([{ retired: {} }]);
    expect(await retire(SERVER_CA)).toEqual([]);
  });
});

describe('issuer activate', () => {
  it('succeeds for one of several concurrent calls, and the others return without an error', async () => {
    await issuers.prepare(SITE_CA);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => issuers.activate(SITE_CA)));
    expect(outcomes.sort()).toEqual(['activated', ...Array(7).fill('already')]);
    expect(issuers.list(SITE_CA).map(({ state }) => state)).toEqual(['active', 'retiring']);
    const prepared = await Promise.all(Array.from({ length: 4 }, () => issuers.prepare(SITE_CA)));
    expect(prepared.sort()).toEqual(['already', 'already', 'already', 'prepared']);
  });

  it('refuses to activate a CA that was not prepared', async () => {
    expect(await issuers.activate(SITE_CA)).toBe('unprepared');
    expect(issuers.list(SITE_CA).map(({ state }) => state)).toEqual(['active']);
  });
});
