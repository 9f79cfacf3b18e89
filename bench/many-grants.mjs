import { adminAccess, listPages } from './admin-listing.mjs';
import { compareSides } from './compare.mjs';
import { startDatabases } from './databases.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';

const GRANTS = 100_000;

/** Compares two services, one on a store with a single grant and one on a store with 100,000. */
async function measureStore(driver, requests, databaseOf) {
  const sides = [];
  try {
    for (const count of [1, GRANTS]) {
      const { directory, remove } = temporaryDirectory();
      const { url, env } = (await databaseOf?.(`grants_${count}`)) ?? {};
      const { flags, bearerOf } = await adminAccess(directory);
      const service = await startService(
        directory,
        [...flags, ...(url === undefined ? [] : ['--store', url])],
        env,
      );
      sides.push({ service, bearer: await bearerOf('bench'), remove });
      const { grants, ca } = await makeGrants(directory, { count, store: url, env });
      Object.assign(sides.at(-1), { ca, source: new RequestSource(grants, 'csr') });
    }
    const [one, many] = await compareSides({ driver, sides, requests });
    const { service, ca, bearer } = sides[1];
    const listing = await listPages({ port: service.adminPort, ca, bearer }, `bench-${GRANTS / 2}`);
    return { rates: { one, many }, ratio: many.serverCpuMs / one.serverCpuMs, ...listing };
  } finally {
    for (const { service, remove } of sides) {
      await service.stop();
      remove();
    }
  }
}

/**
 * Measures redemptions with 100,000 grants in the store, and lists of grants in the admin API, with SQLite and with PostgreSQL.
 */
export async function measureManyGrants({ driver, requests }) {
  const sqlite = await measureStore(driver, requests);
  const databases = await startDatabases();
  try {
    const postgres = await measureStore(driver, requests, databases.create);
    return {
      grants: GRANTS,
      sqlite: sqlite.rates,
      postgres: postgres.rates,
      sqliteManyRatio: sqlite.ratio,
      sqliteListMs: sqlite.listMs,
      sqliteLongestListMs: sqlite.longestListMs,
      postgresManyRatio: postgres.ratio,
      postgresListMs: postgres.listMs,
      postgresLongestListMs: postgres.longestListMs,
    };
  } finally {
    await databases.stop();
  }
}
