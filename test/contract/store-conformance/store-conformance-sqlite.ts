import { join } from 'node:path';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { directoryForTest } from '../../support/release.js';
import { NOW } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';
import { type StoreUnderTest, storeConformance } from './store-conformance.js';
import { chainConformance } from './store-conformance-chain.js';
import { databaseConformance } from './store-conformance-database.js';

async function openEmpty(): Promise<StoreUnderTest<DatabaseStore>> {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = await openSqliteStore({ file, migrate: true, clock: () => NOW });
  return {
    store,
    opener: { options: { file, migrate: false } },
    openAnother: () => openSqliteStore({ file, migrate: false, clock: () => NOW }),
    close: () => store.close(),
  };
}

/** Runs the conformance suite on the SQLite store. */
export function sqliteConformance(): void {
  storeConformance(
    'SQLite',
    openEmpty,
    { rounds: 1_000, sameKeyGrants: 200 },
    databaseConformance,
    chainConformance,
  );
}
