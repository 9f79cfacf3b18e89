import { compareSides, ROUNDS, startSide } from './compare.mjs';
import { startDatabases } from './databases.mjs';
import { temporaryDirectory } from './servers.mjs';

const SECONDS = 10;

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
    const [sqlite, postgres] = await compareSides({ driver, sides, requests });
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
