import { medians, round } from './compare.mjs';
import { startDatabases } from './databases.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';

const ROUNDS = 3;
const WARM_UP = 3_000;
const SECONDS = 10;

/** A service on a store, with grants and requests for them. */
async function startSide(directory, { url, env } = {}) {
  const service = await startService(directory, url === undefined ? [] : ['--store', url], env);
  const { grants, ca } = await makeGrants(directory, { store: url, env });
  return { service, ca, source: new RequestSource(grants, 'csr') };
}

/**
 * Has a service with its store in PostgreSQL and one with SQLite redeem in turns, three rounds each after one to warm up: the
 * processor time of the services alone, without the database's. Then half of PostgreSQL's top rate, as it comes.
 */
export async function measurePostgres({ driver, requests }) {
  const places = [temporaryDirectory(), temporaryDirectory()];
  const databases = await startDatabases();
  const sides = [];
  try {
    sides.push(await startSide(places[0].directory));
    sides.push(await startSide(places[1].directory, await databases.create('redeemed')));
    const take = async ({ service, ca, source }, count) =>
      round(driver, service, ca, await source.take(count));
    for (const side of sides) await take(side, WARM_UP);
    const rounds = [[], []];
    for (let number = 0; number < ROUNDS; number++) {
      for (const [at, side] of sides.entries()) rounds[at].push(await take(side, requests));
    }
    const [sqlite, postgres] = rounds.map(medians);
    const { service, ca, source } = sides[1];
    const perSecond = postgres.perSecond / 2;
    const half = await driver.run({
      ...{ port: service.port, ca, clients: 500, perSecond },
      requests: await source.take(Math.ceil(perSecond * SECONDS)),
    });
    return {
      requests: requests * ROUNDS,
      sqlite,
      postgres,
      sqliteRatio: postgres.serverCpuMs / sqlite.serverCpuMs,
      halfP50Ms: half.p50Ms,
      halfP99Ms: half.p99Ms,
      halfNotServed: Object.values(half.outcomes).reduce((a, b) => a + b, 0) - (half.outcomes['200'] ?? 0),
    };
  } finally {
    for (const { service } of sides) await service.stop();
    await databases.stop();
    for (const { remove } of places) remove();
  }
}
