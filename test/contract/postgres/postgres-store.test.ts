import { join } from 'node:path';
import { inject } from 'vitest';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { directoryForTest } from '../../support/release.js';
import { NOW } from '../../support/store-samples.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { openPostgresStore } from '../../support/stores/postgres-store.js';
import { type StoreUnderTest, storeConformance } from '../store-conformance/store-conformance.js';
import { chainConformance } from '../store-conformance/store-conformance-chain.js';
import { databaseConformance } from '../store-conformance/store-conformance-database.js';

async function openEmpty(): Promise<StoreUnderTest<DatabaseStore>> {
  const database = await createTestDatabase();
  const ledgerKeyFile = join(directoryForTest(), 'ledger.key');
  const { place } = database;
  const store = await openPostgresStore({ target: place, migrate: true, clock: () => NOW, ledgerKeyFile });
  return {
    store,
    opener: {
      module: new URL('../../support/stores/postgres-opener.mjs', import.meta.url).href,
      exportName: 'openTestStore',
      options: { server: inject('postgres'), database: place.database, ledgerKeyFile },
    },
    openAnother: () => openPostgresStore({ target: place, migrate: false, clock: () => NOW, ledgerKeyFile }),
    async close() {
      await store.close();
      await database.remove();
    },
  };
}

storeConformance(
  'PostgreSQL',
  openEmpty,
  { rounds: 400, sameKeyGrants: 200 },
  databaseConformance,
  chainConformance,
);
