import { cpSync, mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readService } from '../../src/redemption/accepting/service-description.js';
import { openPostgresStore } from '../../src/stores/postgres/postgres-store.js';
import { ENDPOINT, type Serving, Workplace } from '../support/command-line.js';
import { forEachParallel } from '../support/parallel.js';
import { releaseAfterFile } from '../support/release.js';
import {
  expectedCertificates,
  makeRedeemingSites,
  type RedeemingSite,
  redeemAsSite,
} from '../support/sites/redeeming-sites.js';
import { startPostgres } from '../support/stores/postgres-process.js';
import { createDatabaseOn } from '../support/stores/postgres-server.js';

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
  mkdirSync(work.path(`host-${host}`), { mode: 0o700 });
  for (const name of ['issuers', 'code-keys', 'ledger.key'])
    cpSync(work.path('host-0', name), work.path(`host-${host}`, name), { recursive: true });
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

  // Each site that got a certificate gets the same certificate again.
  const served = sites.filter(({ certificate }) => certificate !== undefined);
  await forEachParallel(served, AT_ONCE, async (site) => {
    expect(await redeemAsSite(site, anyHost)).toBe(site.certificate);
  });
  expect(new Set(served.map(({ certificate }) => certificate)).size).toBe(served.length);

  // Each counted use belongs to one of these sites, and no grant has an unused use that another site wanted.
  const wanted = expectedCertificates(GRANTS);
  expect(served).toHaveLength(wanted);
  const counted = new Map<string, number>();
  for (const { uid } of served) counted.set(uid, (counted.get(uid) ?? 0) + 1);
  const rows = await database.sql('SELECT uid, redemptions FROM linkgrant.grants');
  expect(Object.fromEntries(rows.map(({ uid, redemptions }) => [uid, Number(redemptions)]))).toEqual(
    Object.fromEntries(counted),
  );
  expect(await database.sql('SELECT count(*) AS count FROM linkgrant.redemptions')).toEqual([
    { count: String(wanted) },
  ]);
  expect((await store.verifyLedger()).fault).toBeUndefined();
});
