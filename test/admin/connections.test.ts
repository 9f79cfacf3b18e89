import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAdmin, startAdminService } from '../support/admin-api.js';
import { linkgrant } from '../support/command-line.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { serveHttps } from '../support/servers/hostile-server.js';
import { until } from '../support/until.js';
import { post } from '../support/wire.js';

const answer = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/network-observer/routerlinks.json'), 'utf8'),
);
const WEST = '22c7dcf1-ef57-454f-98ff-fa5a79792832';
const EAST = '1b9e5f0a-6f0f-4b7e-9d3c-4f0e9f0e0a01';

/** A service whose network observer returns `results`, with two links: east is connected, south is not. */
async function observedService() {
  const shown = { results: answer.results as readonly { readonly sourceSiteName: string }[] };
  const observer = releaseAfterTest(
    await serveHttps((_request, _incoming, response) => {
      const { results } = shown;
      response.writeHead(200, { vary: 'Accept-Encoding', 'content-type': 'application/json' });
      response.end(JSON.stringify({ count: results.length, results, timeRangeCount: results.length }));
    }),
  );
  const directory = directoryForTest();
  const flags = {
    observer: `https://127.0.0.1:${observer.port}`,
    observerCa: join(directory, 'ca.pem'),
    observerCredentials: join(directory, 'credentials'),
  };
  writeFileSync(flags.observerCa, observer.token.ca);
  writeFileSync(flags.observerCredentials, 'skupper:secret\n');
  const service = releaseAfterTest(await startAdminService(flags));
  const { grant, code } = await service.grant({ redemptionsAllowed: 5 });
  for (const subject of [EAST, 'south'])
    await post(service, `/${grant.uid}`, code, { headers: { ...csrHeader(), subject } });
  // A standalone service records no site uid; the rows get the site uid of the fixture.
  service.sql('UPDATE redemptions SET site_uid = ?', WEST);
  const read = (path: string) => readAdmin(service, path);
  await until(async () => (await read('/overview')).links.connected === 1);
  return { service, observer, flags, shown, read };
}

it('the service reads the active router links of the network observer with the configured credentials', async () => {
  const { observer } = await observedService();
  expect(observer.seen[0]).toMatchObject({
    method: 'GET',
    url: '/api/v2alpha1/routerlinks?state=active',
    headers: { authorization: `Basic ${Buffer.from('skupper:secret').toString('base64')}` },
  });
});

it('the admin API shows which links are connected, and connected peers without a redemption', async () => {
  const { service, read } = await observedService();
  const links = await read('/links');
  expect(links.items).toMatchObject([
    { subject: 'south', connected: false },
    { subject: EAST, connected: true },
  ]);
  expect((await read('/redemptions')).items).toMatchObject([{ connected: true }, { connected: false }]);
  const overview = await read('/overview');
  expect(overview.links).toMatchObject({ known: 2, connected: 1 });
  const north = { siteId: '8d4b0f5e-0c5e-4f7a-8a55-6d8f7b6a5f43', siteName: 'north', linkName: 'west-link' };
  expect(overview.connections).toEqual({ observedAt: expect.any(String), unknownPeers: [north] });
  expect(overview.attention).toEqual([
    {
      kind: 'peer-unknown',
      severity: 'warning',
      message: expect.stringContaining('"north"'),
      nextStep: 'linkgrant redemption list',
    },
  ]);
  const metrics = await service.running.storeMetrics.metrics();
  expect(metrics).toMatch(/^linkgrant_links\{state="valid"\} 2$/m);
  await until(async () =>
    /^linkgrant_links_connected 1$/m.test(await service.running.storeMetrics.metrics()),
  );
  expect(await service.running.storeMetrics.metrics()).toMatch(/^linkgrant_unknown_peers 1$/m);
  expect(await service.running.storeMetrics.metrics()).toMatch(
    /^linkgrant_attention\{kind="peer-unknown"\} 1$/m,
  );
});

it('redemption list and link status show which links are connected', async () => {
  const { service, flags } = await observedService();
  const place = ['--data-dir', service.directory];
  const words = [...place, '--observer', flags.observer, '--observer-ca', flags.observerCa];
  const list = await linkgrant(['redemption', 'list', ...words]);
  expect(list).toMatchObject({ code: 0, stderr: '' });
  expect(list.stdout).toMatch(new RegExp(`^ID .* CONNECTED\\n.* ${EAST} .* yes\\n.* south .* no\\n$`));
  const status = await linkgrant(['link', 'status', ...words]);
  expect(status.stdout).toMatch(/CAN STILL +CONNECTED\n.* yes\n.* no\n/);
  const without = await linkgrant(['redemption', 'list', ...place]);
  expect(without.stdout).not.toContain('CONNECTED');
});

it('the overview reports a revoked link that is connected; changed connections count as changed links', async () => {
  const { service, shown, read } = await observedService();
  const { version } = await read('/changes');
  shown.results = shown.results.filter(({ sourceSiteName }) => sourceSiteName === 'east');
  await until(async () =>
    (await read(`/changes?since=${encodeURIComponent(version)}`)).changed.includes('links'),
  );
  const [redemption] = (await read(`/redemptions?subject=${EAST}`)).items;
  await service.store.revokeRedemption(redemption.id, service.clock.read());
  const overview = await read('/overview');
  expect(overview.connections.unknownPeers).toEqual([]);
  expect(overview.attention).toEqual([
    {
      kind: 'link-revoked-connected',
      severity: 'warning',
      message: expect.stringContaining(EAST),
      nextStep: `linkgrant redemption revoke ${redemption.id} --cut`,
      resource: { kind: 'link', id: redemption.id },
    },
  ]);
});

it('the overview reports an observer that is down, and the time of its last response', async () => {
  const { observer, read } = await observedService();
  const { connections } = await read('/overview');
  expect(connections.observedAt).toEqual(expect.any(String));
  await observer.close();
  await until(async () => (await read('/overview')).connections.problem !== undefined);
  const overview = await read('/overview');
  expect(overview.connections).toMatchObject({ observedAt: connections.observedAt });
  expect(overview.health).toMatchObject({ ready: true });
  expect(overview.health.findings).toContainEqual({
    check: 'observer',
    status: 'warning',
    message: expect.stringContaining('cannot be reached'),
    remedy: expect.any(String),
  });
});
