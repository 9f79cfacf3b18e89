import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import { addHost } from '../support/accepting-site.js';
import { linkgrant, refusalOf, type Serving, Workplace } from '../support/command-line.js';
import { forEachParallel } from '../support/parallel.js';
import { releaseAfterFile } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import {
  expectExactUses,
  makeRedeemingSites,
  type RedeemingSite,
  redeemAsSite,
} from '../support/sites/redeeming-sites.js';
import { post } from '../support/wire.js';
import { DatabaseServer } from './harness/database-server.js';
import { ENV, openServedStore, PUBLISHED, serveOn, storeUrl } from './harness/service-on-servers.js';

const SERVE: readonly string[] = ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', ...PUBLISHED];
const GRANTS = [
  { uses: 1, sites: 1, grants: 120 },
  { uses: 1, sites: 3, grants: 20 },
  { uses: 10, sites: 12, grants: 10 },
  { uses: 80, sites: 100, grants: 1 },
] as const;
const AT_ONCE = 24;

const servers: DatabaseServer[] = [];
const stores: GrantStore[] = [];
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  for (const server of servers) server.remove();
});
// The services end before the database servers: the latest resource is released first.
const work = releaseAfterFile(new Workplace());

const run = (...words: readonly string[]) => linkgrant(words, { env: ENV });

async function createPair(): Promise<[primary: DatabaseServer, standby: DatabaseServer]> {
  const primary = await DatabaseServer.create();
  servers.push(primary);
  const standby = await primary.createStandby();
  servers.push(standby);
  return [primary, standby];
}

/** Sends one redemption request of a site. Returns the status of the response. */
async function ask({ port }: Serving, ca: string, { uid, code, csr }: RedeemingSite): Promise<number> {
  const headers = { csr, name: 'west', subject: 'west' };
  return (await post({ port, ca }, `/${uid}`, code, { headers })).status;
}

describe('services with a primary and its synchronous standby', () => {
  let primary: DatabaseServer;
  let standby: DatabaseServer;
  let store: GrantStore;
  let ca: string;
  const services: Serving[] = [];
  const anyService = () => ({ port: services[Math.floor(Math.random() * services.length)]?.port ?? 0, ca });

  beforeAll(async () => {
    [primary, standby] = await createPair();
    await primary.set({ synchronous_standby_names: '*' });
    // The URL lists the standby first; clients skip it.
    const url = storeUrl(standby, primary);
    services.push(await serveOn(work, 'host-0', url));
    addHost(work.path('host-0'), work.path('host-1'));
    services.push(await serveOn(work, 'host-1', url));
    ({ store, ca } = await openServedStore(primary, work.path('host-0', 'ledger.key')));
    stores.push(store);
  });

  it.each([
    ['serve', SERVE],
    ['grant list', ['grant', 'list']],
    ['grant create', ['grant', 'create', 'x']],
    ['store migrate', ['store', 'migrate']],
  ])('`%s` refuses the standby alone as the store', async (_, words) => {
    const refused = await run(...words, '--data-dir', work.path('host-0'), '--store', standby.url);
    expect(refused.code).toBe(2);
    const { error, hint } = refusalOf(refused);
    expect(error).toBe(
      `the store postgres://127.0.0.1:${standby.port}/grants is a standby, which can only be read`,
    );
    expect(hint).toBe('put the primary, or all servers separated by commas, into the URL of --store');
  });

  it('confirm a redemption only after the standby has stored it', async () => {
    const [site] = await makeRedeemingSites(store, [{ uses: 1, sites: 1, grants: 1 }]);
    if (!site) throw new Error('there is no site');
    standby.stop();
    expect(await ask(services[0] as Serving, ca, site)).toBe(503);
    standby.start();
    expect(await redeemAsSite(site, anyService)).toBeDefined();
    expect((await store.findGrant(site.uid))?.redemptions).toBe(1);
  });

  it('continue when the primary is killed and the standby promoted, and no redemption or use is lost', async () => {
    const sites = await makeRedeemingSites(store, GRANTS);
    let promoted: Promise<void> | undefined;
    const redeem = async (site: RedeemingSite, begun: number): Promise<void> => {
      if (begun === 100) promoted = primary.kill().then(() => standby.promote());
      const certificate = await redeemAsSite(site, anyService);
      if (certificate !== undefined) site.certificate = certificate;
    };
    await forEachParallel(sites, AT_ONCE, redeem);
    await promoted;
    expect(promoted).toBeDefined();

    await expectExactUses(sites, GRANTS, anyService, standby);
    const place = ['--data-dir', work.path('host-0'), '--store', storeUrl(primary, standby)];
    expect(await run('ledger', 'verify', ...place)).toMatchObject({ code: 0 });
  });

  it('refuse the old primary as the store after it is started again', async () => {
    await retryUntil('the old primary starts', async () => {
      primary.start();
      return true;
    });
    const place = ['--data-dir', work.path('host-0'), '--store', primary.url];
    const refused = await run(...SERVE, ...place);
    expect(refused.code).toBe(2);
    expect(refusalOf(refused).error).toContain('the store was rolled back');
    const doctor = await run('doctor', ...place);
    expect(doctor.stdout).toContain('it is an earlier copy');
  });
});

describe('a standby that was promoted without the last commits', () => {
  it('is refused for writes until `store restored`, and then used without a restart', async () => {
    const [primary, standby] = await createPair();
    const url = storeUrl(primary, standby);
    const service = await serveOn(work, 'lone', url);
    const { store, ca } = await openServedStore(primary, work.path('lone', 'ledger.key'));
    const [known, lost, late] = await makeRedeemingSites(store, [{ uses: 3, sites: 3, grants: 1 }]);
    await store.close();
    if (!known || !lost || !late) throw new Error('there are too few sites');
    const redeem = (site: RedeemingSite) => redeemAsSite(site, () => ({ port: service.port, ca }));

    const first = await redeem(known);
    await retryUntil('the standby has the first redemption', async () => {
      const [row] = await standby.sql('SELECT 1 FROM linkgrant.redemptions');
      return row;
    });
    await standby.set({ primary_conninfo: '' });
    await retryUntil('the standby has disconnected', async () => {
      const [follows] = await primary.sql('SELECT 1 FROM pg_stat_replication');
      return follows === undefined;
    });
    const second = await redeem(lost);
    await primary.kill();
    standby.promote();

    expect(await ask(service, ca, late)).toBe(503);
    // A recorded redemption is still answered.
    expect(await redeem(known)).toBe(first);
    const place = ['--data-dir', work.path('lone'), '--store', url];
    expect((await run('doctor', ...place)).stdout).toContain('1 entry is missing from its ledger');
    const undecided = await run('store', 'restored', ...place);
    expect(undecided.code).toBe(2);
    expect(refusalOf(undecided).error).toContain('lacks 1 entry');
    expect((await run('store', 'restored', '--keep', ...place)).code).toBe(0);

    expect(await redeem(late)).toBeDefined();
    expect(await redeem(lost)).not.toBe(second);
    expect(await run('ledger', 'verify', ...place)).toMatchObject({ code: 0 });
  });
});
