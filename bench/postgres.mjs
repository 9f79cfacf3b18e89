import { compareSides, ROUNDS, startSide } from './compare.mjs';
import { startDatabases } from './databases.mjs';
import { temporaryDirectory } from './servers.mjs';
import { median, notServed } from './statistics.mjs';

const SECONDS = 10;

/**
 * Compares a service on PostgreSQL with one on SQLite: the processor time of the services, without that of the database. Then
 * measures the times at half of the highest rate on PostgreSQL, as the median of three runs: in one run a single pause of the
 * machine decides the p99.
 */
export async function measurePostgres({ driver, requests }) {
  const directories = [temporaryDirectory(), temporaryDirectory()];
  const databases = await startDatabases();
  const sides = [];
  try {
    sides.push(await startSide(directories[0].directory));
    sides.push(await startSide(directories[1].directory, await databases.create('redeemed')));
    const [sqlite, postgres] = await compareSides({ driver, sides, requests });
    const { service, ca, source } = sides[1];
    const perSecond = postgres.perSecond / 2;
    const halves = [];
    for (let number = 0; number < ROUNDS; number++) {
      const load = { clients: 500, perSecond, requests: await source.take(Math.ceil(perSecond * SECONDS)) };
      halves.push(await driver.run({ port: service.port, ca, ...load }));
    }
    return {
      requests: requests * ROUNDS,
      sqlite,
      postgres,
      sqliteRatio: postgres.serverCpuMs / sqlite.serverCpuMs,
      halfP50Ms: median(halves.map(({ p50Ms }) => p50Ms)),
      halfP99Ms: median(halves.map(({ p99Ms }) => p99Ms)),
      halfNotServed: Math.max(...halves.map(notServed)),
    };
  } finally {
    for (const { service } of sides) await service.stop();
    await databases.stop();
    for (const { remove } of directories) remove();
  }
}
