import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import {
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { openPostgresStore } from '../../support/stores/postgres-store.js';

const REDEMPTIONS = 200;

it('the PostgreSQL store does not scan whole tables with query plans from when the tables were empty', async () => {
  const database = releaseAfterTest(await createTestDatabase());
  const ledgerKeyFile = join(directoryForTest(), 'ledger.key');
  const opening = { target: database.place, clock: () => NOW, ledgerKeyFile };
  await (await openPostgresStore({ ...opening, migrate: true })).close();
  // New statistics would cause new plans.
  for (const table of ['redemptions', 'events'])
    await database.sql(`ALTER TABLE linkgrant.${table} SET (autovacuum_enabled = off)`);
  const store = await openPostgresStore({ ...opening, migrate: false });
  const grant = await storedGrant(store, { redemptionsAllowed: REDEMPTIONS });
  // In sequence, so that each has its own transaction.
  for (let n = 0; n < REDEMPTIONS; n++) {
    const redemption = sampleRedemption(grant.uid);
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
    expect(await recordRenewalOf(store, sampleRenewal(redemption.id, 1), NOW)).toBe('recorded');
  }
  await store.close();
  for (const table of ['redemptions', 'events']) {
    const rowsRead = await vi.waitFor(async () => {
      // Connections report their statistics when they end.
      const [row] = await database.sql(
        `SELECT n_tup_ins, seq_tup_read FROM pg_stat_user_tables WHERE relname = '${table}'`,
      );
      expect(Number(row?.n_tup_ins)).toBeGreaterThanOrEqual(REDEMPTIONS);
      return Number(row?.seq_tup_read);
    }, 60_000);
    expect(rowsRead, table).toBeLessThan(REDEMPTIONS);
  }
});
