import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { issuerDirectory } from '../../src/compose/service-issuers.js';
import { createIssuer, openIssuers, SERVER_CA, SITE_CA } from '../../src/compose/site-issuer.js';
import { ISSUER_CHECK_INTERVAL_MS } from '../../src/platforms/standalone/site.js';
import { issuerOperations } from '../../src/redemption/administration/issuer-operations.js';
import type { IssuerDirectory } from '../../src/redemption/ports/issuers.js';
import { readAdmin, remoteClient, startAdminService } from '../support/admin-api.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { directoryForFile, releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { copySite } from '../support/sites/system-site.js';
import { post } from '../support/wire.js';
import { makeAuthority, OpenSsl } from '../unit/pki/openssl.js';

const openssl = releaseAfterFile(new OpenSsl());
const directory = directoryForFile();
const service = releaseAfterFile(await startAdminService());

const read = (path: string, of = service) => readAdmin(of, path);

async function redeem(subject: string, of = service): Promise<void> {
  const { grant, code } = await of.grant({ redemptionsAllowed: 5 });
  const headers = { ...csrHeader(), subject, renews: 'true' };
  expect((await post(of, `/${grant.uid}`, code, { headers })).status).toBe(200);
}

const issuers = (of = service) =>
  openIssuers(of.directory, { clock: of.clock.read, checkpoint: () => undefined });

it('lists the issuers with their CAs, grants and links, in pages', async () => {
  await createIssuer(service.directory, 'partners', service.clock.read());
  await service.grant({ issuer: 'partners' });
  await redeem('east');
  const { items } = await read('/issuers');
  expect(items).toMatchObject([
    { name: SERVER_CA, owner: 'linkgrant', signs: 'service', default: false, grants: 0 },
    { name: 'partners', owner: 'linkgrant', signs: 'links', default: false, grants: 1 },
    { name: SITE_CA, owner: 'linkgrant', signs: 'links', default: true, grants: 1 },
  ]);
  const [ca] = issuers().list(SITE_CA);
  expect(items[2].authorities).toEqual([
    {
      ...{ role: 'active', state: 'valid', subject: 'linkgrant site CA', sha256: ca?.sha256, links: 1 },
      notBefore: new Date(ca?.notBefore ?? 0).toISOString().replace('.000', ''),
      notAfter: new Date(ca?.notAfter ?? 0).toISOString().replace('.000', ''),
    },
  ]);
  expect(items[0].authorities).toMatchObject([{ role: 'active', links: null }]);
  expect(items[1].authorities).toMatchObject([{ role: 'active', links: 0 }]);
  const first = await read('/issuers?limit=2');
  expect(first.items).toEqual(items.slice(0, 2));
  expect(await read(`/issuers?limit=2&cursor=${first.next}`)).toEqual({ items: items.slice(2) });
  expect(await read('/issuers?cursor=nonsense')).toMatchObject({ code: 'request_invalid' });
  const numbers = Buffer.from('[1,2,3]').toString('base64url');
  expect(await read(`/issuers?cursor=${numbers}`)).toMatchObject({ code: 'request_invalid' });
  expect(await remoteClient(service, service.viewer).listIssuers({ limit: 1_000 })).toEqual({ items });
});

it('shows a rotation, and lists the links that still depend on the old CA', async () => {
  const rotating = releaseAfterTest(await startAdminService());
  await redeem('early', rotating);
  const [old] = issuers(rotating).list(SITE_CA);
  await issuers(rotating).prepare(SITE_CA);
  await issuers(rotating).activate(SITE_CA);
  rotating.clock.advance(ISSUER_CHECK_INTERVAL_MS);
  await redeem('late', rotating);
  const [, site] = (await read('/issuers', rotating)).items;
  expect(site.authorities).toMatchObject([
    { role: 'active', subject: 'linkgrant site CA 2', links: 1 },
    { role: 'retiring', sha256: old?.sha256, links: 1, replacedAt: expect.any(String) },
  ]);
  const signedBy = async (sha256: string) =>
    (await read(`/links?signedBy=${sha256}`, rotating)).items.map(
      ({ subject }: { subject: string }) => subject,
    );
  const [active, retiring] = site.authorities;
  expect(await signedBy(active.sha256)).toEqual(['late']);
  expect(await signedBy(retiring.sha256)).toEqual(['early']);
  const [link] = (await read(`/links?signedBy=${retiring.sha256}`, rotating)).items;
  expect(link).toMatchObject({ mode: 'csr', issuerSha256: retiring.sha256 });
  expect(await read(`/redemptions/${link.id}`, rotating)).toMatchObject({ issuerSha256: retiring.sha256 });
});

it('leaves a revoked link out of those that depend on a CA, and refuses an invalid hash', async () => {
  const [ca] = issuers().list(SITE_CA);
  const subjects = async () =>
    (await read(`/links?signedBy=${ca?.sha256}`)).items.map(({ subject }: { subject: string }) => subject);
  const subject = randomUUID();
  await redeem(subject);
  expect(await subjects()).toContain(subject);
  const [link] = (await read(`/links?search=${subject}`)).items;
  await service.store.revokeRedemption(link.id, service.clock.read());
  expect(await subjects()).not.toContain(subject);
  expect(await read('/links?signedBy=abc')).toMatchObject({ code: 'request_invalid' });
});

it('lists the external CA as the default issuer, with the other CAs in its file', async () => {
  const old = makeAuthority(openssl, { subject: '/CN=company CA 1' });
  const company = makeAuthority(openssl, { subject: '/CN=company CA 2' });
  const [issuerCert, issuerKey] = [join(directory, 'company.crt'), join(directory, 'company.key')];
  writeFileSync(issuerCert, `${company.certificate}${old.certificate}`);
  writeFileSync(issuerKey, company.key, { mode: 0o600 });
  const external = releaseAfterTest(await startAdminService({ issuerCert, issuerKey }));
  await redeem('east', external);
  const { items } = await read('/issuers', external);
  expect(items[1]).toMatchObject({
    ...{ name: SITE_CA, owner: 'external', signs: 'links', default: true, grants: 1 },
    authorities: [
      { role: 'active', subject: 'company CA 2', links: 1 },
      { role: 'trusted', subject: 'company CA 1', links: 0 },
    ],
  });
  writeFileSync(issuerKey, old.key);
  const [, broken] = (await read('/issuers', external)).items;
  expect(broken).toMatchObject({ problem: expect.stringContaining('company'), authorities: [] });
});

it('lists the issuers of system sites by namespace, without those of an earlier standalone service', async () => {
  const { home } = copySite('west', join(directory, 'skupper'));
  const site = releaseAfterTest(
    await startAdminService({
      ...{ platform: 'podman', skupperHome: home, host: ['vm'] },
      endpoint: undefined,
    }),
  );
  // Issuers of an earlier standalone service; no grant of a system site can request them.
  for (const name of [SITE_CA, 'partners']) await createIssuer(site.directory, name, site.clock.read());
  const { items } = await read('/issuers', site);
  expect(items).toMatchObject([
    { name: SERVER_CA },
    {
      name: SITE_CA,
      namespace: 'west',
      owner: 'skupper',
      default: true,
      authorities: [{ role: 'active' }],
    },
  ]);
  expect(items).toHaveLength(2);
});

it('reads the issuers of a page one after the other', async () => {
  const { clock, store } = service;
  let reads = 0;
  let highest = 0;
  const place = { dataDir: service.directory, readService: async () => undefined };
  const found = issuerDirectory(place, clock.read);
  const counted: IssuerDirectory = {
    list: (used) => found.list(used),
    async read(issuer) {
      highest = Math.max(highest, ++reads);
      try {
        return await found.read(issuer);
      } finally {
        reads--;
      }
    },
  };
  const { listIssuers } = issuerOperations({ issuers: counted, store, clock: clock.read });
  const { items } = await listIssuers({ limit: 10 });
  expect([items.length, highest]).toEqual([3, 1]);
});
