import { expect, it } from 'vitest';
import { readService } from '../../src/redemption/accepting/service-description.js';
import { addHost } from '../support/accepting-site.js';
import { ENDPOINT, type Serving, Workplace } from '../support/command-line.js';
import { forEachParallel } from '../support/parallel.js';
import { releaseAfterFile } from '../support/release.js';
import {
  expectExactUses,
  expectedCertificates,
  makeRedeemingSites,
  type RedeemingSite,
  redeemAsSite,
} from '../support/sites/redeeming-sites.js';
import { startPostgres } from '../support/stores/postgres-process.js';
import { createDatabaseOn } from '../support/stores/postgres-server.js';
import { openPostgresStore } from '../support/stores/postgres-store.js';

const REDEEMERS = 2_000;
const AT_ONCE = 48;
/** Equal grants: the uses of each, the sites that redeem each, and the number of grants; 2,000 sites in all. */
const GRANTS = [
  { uses: 1, sites: 1, grants: 700 },
  { uses: 1, sites: 3, grants: 100 },
  { uses: 10, sites: 12, grants: 50 },
  { uses: 300, sites: 400, grants: 1 },
] as const;

const services: Serving[] = [];

/** Starts or restarts the service of one of three hosts. */
async function startHost(host: number): Promise<void> {
  const flags = ['--external-url', 'https://grants.example.com', '--host', '127.0.0.1'];
  const place = ['--data-dir', work.path(`host-${host}`), '--store', database.url];
  const endpoint = [...ENDPOINT, '--log-level', 'error'];
  services[host] = await work.serve([...flags, ...place, ...endpoint], {
    env: { PGPASSWORD: database.password },
  });
}

async function killHost(host: number): Promise<void> {
  services[host]?.signal('SIGKILL');
  await services[host]?.ended;
  await startHost(host);
}

const postgres = releaseAfterFile(await startPostgres());
const database = await createDatabaseOn(postgres.server);
// The services end before PostgreSQL: the latest resource is released first.
const work = releaseAfterFile(new Workplace());
for (const setting of ["default_transaction_isolation = 'serializable'", 'synchronous_commit = off'])
  await database.sql(`ALTER DATABASE ${database.place.database} SET ${setting}`);
await startHost(0);
for (const host of [1, 2]) {
  addHost(work.path('host-0'), work.path(`host-${host}`));
  await startHost(host);
}
const ledgerKeyFile = work.path('host-0', 'ledger.key');
const store = releaseAfterFile(
  await openPostgresStore({ target: database.place, migrate: false, clock: Date.now, ledgerKeyFile }),
);
const ca = (await readService(store))?.ca ?? '';

it('three services lose no redemption and no use while they and the database crash', {
  timeout: 600_000,
}, async () => {
  const sites = await makeRedeemingSites(store, GRANTS);
  expect(sites).toHaveLength(REDEEMERS);
  const anyHost = () => ({ port: services[Math.floor(Math.random() * services.length)]?.port ?? 0, ca });
  const crashes = new Map<number, () => Promise<unknown>>([
    [300, () => killHost(1)],
    [700, () => postgres.crash().then(postgres.start)],
    [1_100, () => Promise.all([killHost(0), killHost(2)])],
    [1_500, () => postgres.crash().then(postgres.start)],
  ]);
  const pendingCrashes: Promise<unknown>[] = [];
  const redeem = async (site: RedeemingSite, begun: number): Promise<void> => {
    const crash = crashes.get(begun);
    if (crash) pendingCrashes.push(crash());
    const certificate = await redeemAsSite(site, anyHost);
    if (certificate !== undefined) site.certificate = certificate;
  };
  await forEachParallel(sites, AT_ONCE, redeem);
  await Promise.all(pendingCrashes);
  expect(pendingCrashes).toHaveLength(crashes.size);

  await expectExactUses(sites, GRANTS, anyHost, database);
  expect(await database.sql('SELECT count(*) AS count FROM linkgrant.redemptions')).toEqual([
    { count: String(expectedCertificates(GRANTS)) },
  ]);
  expect((await store.verifyLedger()).fault).toBeUndefined();
});
