import { join } from 'node:path';
import { expect, it } from 'vitest';
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

const UID = '00000000-0000-4000-8000-00000000000a';

async function filledStore() {
  const database = releaseAfterTest(await createTestDatabase());
  const ledgerKeyFile = join(directoryForTest(), 'ledger.key');
  const opening = { target: database.place, migrate: true, clock: () => NOW, ledgerKeyFile };
  const store = releaseAfterTest(await openPostgresStore(opening));
  await storedGrant(store, { uid: UID, redemptionsAllowed: 9 });
  const redemption = sampleRedemption(UID);
  await store.recordRedemption(UID, redemption, NOW);
  return { store, redemption, change: (sql: string) => database.sql(`SET search_path TO linkgrant; ${sql}`) };
}

const forgedEntry = (position: string, uid: string, seq: string, id: string) =>
  `INSERT INTO events VALUES (${position}, ${uid}, ${seq}, ${NOW}, 'revoked', '${id}', '{}', '\\x00')`;

it.each([
  ['0', "''", '0'],
  ['NULL', 'NULL', '7'],
  ['2', `'${UID}'`, '2'],
])(
  'a verification of a PostgreSQL store reports a revocation by an entry at position %s',
  async (...values) => {
    const { store, redemption, change } = await filledStore();
    const forged = forgedEntry(...values, redemption.id);
    await expect(change(forged)).rejects.toThrow(/constraint/);
    expect(await store.verifyLedger()).toEqual({ entries: 2 });
    await change(`CREATE TABLE rebuilt AS SELECT * FROM events; DROP TABLE events; ALTER TABLE rebuilt RENAME TO events;
    UPDATE redemptions SET revoked_at = ${NOW}; ${forged}`);
    expect(await store.verifyLedger()).toMatchObject({
      fault: { problem: expect.stringContaining('none of its 2 entries') },
    });
  },
);

it('a verification of a PostgreSQL store reports a changed actor', async () => {
  const { store, change } = await filledStore();
  await store.actingAs({ actor: 'oidc:ada', actorName: 'Ada \u{1f600}' }).revokeGrant(UID, NOW);
  expect(await store.verifyLedger()).toEqual({ entries: 3 });
  await change(
    "UPDATE events SET detail = CAST(replace(CAST(detail AS TEXT), 'oidc:ada', 'oidc:eve') AS JSON) WHERE seq = 3",
  );
  expect(await store.verifyLedger()).toMatchObject({
    fault: { grantUid: UID, seq: 3, problem: 'does not match its MAC' },
  });
});

it('a verification of a PostgreSQL store reports a renewal that was issued from a changed row, which was put back', async () => {
  const { store, redemption, change } = await filledStore();
  const { id } = redemption;
  for (const number of [1, 2])
    expect(await recordRenewalOf(store, sampleRenewal(id, number), NOW)).toBe('recorded');
  expect(await store.verifyLedger()).toEqual({ entries: 4 });
  await change("UPDATE redemptions SET subject = 'headquarters'");
  expect(await recordRenewalOf(store, sampleRenewal(id, 3), NOW)).toBe('recorded');
  await change(`UPDATE redemptions SET subject = '${redemption.subject}'`);
  expect(await store.verifyLedger()).toMatchObject({
    fault: { grantUid: UID, problem: expect.stringContaining('which was issued from changed rows') },
  });
});
