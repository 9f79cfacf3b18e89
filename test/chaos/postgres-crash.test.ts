import { randomUUID, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { hashCode, mintCode } from '../../src/codes/opaque-code.js';
import { generateKeyPair } from '../../src/pki/keys.js';
import { createCertificateRequest } from '../../src/pki/requests.js';
import type { GrantStore } from '../../src/redemption/grant-store.js';
import { readService } from '../../src/redemption/service-description.js';
import { openPostgresStore } from '../../src/stores/postgres/postgres-store.js';
import { type Serving, Workplace } from '../support/command-line.js';
import { type PostgresProcess, startPostgres } from '../support/postgres-process.js';
import { createDatabaseOn, type TestDatabase } from '../support/postgres-server.js';
import { sampleGrant } from '../support/store-samples.js';
import { post } from '../support/wire.js';

const REDEEMERS = 2_000;
const AT_ONCE = 48;
const DAY_MS = 86_400_000;
/** Uses of a grant, how many sites want one, and how many such grants there are: 2,000 sites in all. */
const GRANTS = [
  { uses: 1, sites: 1, grants: 700 },
  { uses: 1, sites: 3, grants: 100 },
  { uses: 10, sites: 12, grants: 50 },
  { uses: 300, sites: 400, grants: 1 },
] as const;

const work = new Workplace();
let postgres: PostgresProcess;
let database: TestDatabase;
let store: GrantStore;
let ca: string;
const services: Serving[] = [];

/** A site that redeems, and the certificate that it got. */
interface Site {
  readonly uid: string;
  readonly code: string;
  readonly csr: string;
  certificate?: string;
}

/** Starts, or starts again, the service of one of three hosts. */
async function startHost(host: number): Promise<void> {
  const flags = ['--external-url', 'https://grants.example.com', '--host', '127.0.0.1'];
  const place = ['--data-dir', work.path(`host-${host}`), '--store', database.url];
  const endpoint = ['--endpoint', 'inter-router=router.example.com:55671', '--log-level', 'error'];
  services[host] = await work.serve([...flags, ...place, ...endpoint], {
    env: { PGPASSWORD: database.password },
  });
}

async function killHost(host: number): Promise<void> {
  services[host]?.signal('SIGKILL');
  await services[host]?.ended;
  await startHost(host);
}

beforeAll(async () => {
  postgres = await startPostgres();
  database = await createDatabaseOn(postgres.server);
  for (const careless of ["default_transaction_isolation = 'serializable'", 'synchronous_commit = off'])
    await database.sql(`ALTER DATABASE ${database.place.database} SET ${careless}`);
  await startHost(0);
  for (const host of [1, 2]) {
    mkdirSync(work.path(`host-${host}`), { mode: 0o700 });
    for (const kept of ['issuers', 'code-keys', 'ledger.key'])
      cpSync(work.path('host-0', kept), work.path(`host-${host}`, kept), { recursive: true });
    await startHost(host);
  }
  const ledgerKeyFile = work.path('host-0', 'ledger.key');
  store = await openPostgresStore({ place: database.place, migrate: false, clock: Date.now, ledgerKeyFile });
  ca = (await readService(store))?.ca ?? '';
});
afterAll(async () => {
  await store?.close();
  await work.remove();
  await postgres?.remove();
});

/** Makes the grants, and the sites that want something of them, in no order. */
async function makeSites(): Promise<Site[]> {
  const sites: Site[] = [];
  const making: Promise<unknown>[] = [];
  const now = Date.now();
  for (const { uses, sites: wanting, grants } of GRANTS) {
    for (let made = 0; made < grants; made += 1) {
      const code = mintCode();
      const uid = randomUUID();
      const grant = sampleGrant({
        ...{ uid, codeHash: new Uint8Array(hashCode(uid, Buffer.from(code))), redemptionsAllowed: uses },
        ...{ createdAt: now, readyAt: now, expirationTime: now + DAY_MS },
      });
      making.push(store.createGrant(grant, code));
      for (let site = 0; site < wanting; site += 1) {
        const request = createCertificateRequest(await generateKeyPair('p256'), 'site');
        sites.push({ uid, code, csr: Buffer.from(request).toString('base64') });
      }
    }
  }
  await Promise.all(making);
  return sites.sort(() => Math.random() - 0.5);
}

/** What one site is answered: a certificate, or that nothing is left; as often as it takes to be answered. */
async function redeem(site: Site): Promise<string | undefined> {
  for (let tried = 0; tried < 400; tried += 1) {
    const port = services[Math.floor(Math.random() * services.length)]?.port ?? 0;
    const headers = { csr: site.csr, name: 'west', subject: 'west' };
    const answer = await post({ port, ca }, `/${site.uid}`, site.code, { headers }).catch(() => undefined);
    if (answer?.status === 200) {
      const [secret] = parseAllDocuments(answer.body);
      return new X509Certificate(Buffer.from(secret?.toJS().data['tls.crt'], 'base64')).serialNumber;
    }
    if (answer?.status === 404) return undefined;
    // The service or the database is away, or was while it was asked.
    expect(answer?.status ?? 503, answer?.body).toBe(503);
    await sleep(20 + Math.random() * 200);
  }
  throw new Error('a site was never answered');
}

it('three services lose nothing and burn nothing while they and the database die', {
  timeout: 600_000,
}, async () => {
  const sites = await makeSites();
  expect(sites).toHaveLength(REDEEMERS);
  const blows: readonly [number, () => Promise<void>][] = [
    [300, () => killHost(1)],
    [700, () => postgres.crash().then(postgres.start)],
    [1_100, () => Promise.all([killHost(0), killHost(2)]).then(() => undefined)],
    [1_500, () => postgres.crash().then(postgres.start)],
  ];
  const struck: Promise<void>[] = [];
  let next = 0;
  const redeemAll = async () => {
    while (next < sites.length) {
      const blow = blows.find(([at]) => at === next);
      const site = sites[next++] as Site;
      if (blow) struck.push(blow[1]());
      const certificate = await redeem(site);
      if (certificate !== undefined) site.certificate = certificate;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, redeemAll));
  await Promise.all(struck);
  expect(struck).toHaveLength(blows.length);

  // Whoever got a certificate gets it again, and nobody else's.
  const served = sites.filter(({ certificate }) => certificate !== undefined);
  const again = [...served];
  const repeat = async () => {
    for (let site = again.pop(); site; site = again.pop()) expect(await redeem(site)).toBe(site.certificate);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, repeat));
  expect(new Set(served.map(({ certificate }) => certificate)).size).toBe(served.length);

  // Each use that is counted is one of theirs, and each grant gave all that it had to give.
  const wanted = GRANTS.reduce(
    (sum, { uses, sites: wanting, grants }) => sum + Math.min(uses, wanting) * grants,
    0,
  );
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
