import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ledgerOperations } from '../../../../src/redemption/administration/ledger-operations.js';
import { directoryForTest, releaseAfterTest } from '../../../support/release.js';
import { NOW, sampleRedemption, storedGrant } from '../../../support/store-samples.js';
import { openSqliteStore } from '../../../support/stores/sqlite-store.js';

async function openStore() {
  const file = join(directoryForTest(), 'linkgrant.db');
  return releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
}

it('a pattern that begins with a kind of actor does not list a user whose subject or name is that pattern', async () => {
  const store = await openStore();
  const actors = [
    { actor: 'local:root' },
    { actor: 'oidc:local:root' },
    { actor: 'oidc:7', actorName: 'local:root' },
    { actor: 'kubernetes:system:serviceaccount:apps:ci' },
  ];
  for (const actor of actors) {
    const { uid } = await storedGrant(store);
    await store.actingAs(actor).revokeGrant(uid, NOW);
  }
  const { listEvents } = ledgerOperations({ store });
  const actorsOf = async (actor: string) =>
    (await listEvents({ limit: 10, actor })).items.map((item) => item.actor).toSorted();
  expect(await actorsOf('local:root')).toEqual(['local:root']);
  expect(await actorsOf('LOCAL:*')).toEqual(['local:root']);
  expect(await actorsOf('oidc:local:root')).toEqual(['oidc:local:root']);
  expect(await actorsOf('root')).toEqual(['local:root']);
  expect(await actorsOf('system:serviceaccount:*')).toEqual(['kubernetes:system:serviceaccount:apps:ci']);
});

it('a search finds the same subjects in a database as in a list, also those with a Kelvin sign or a dotted capital I', async () => {
  const store = await openStore();
  const { uid } = await storedGrant(store, { redemptionsAllowed: 9 });
  const subjects = ['kiel', 'KIEL', '\u212aiel', 'k\u0130el'];
  for (const subject of subjects) await store.recordRedemption(uid, sampleRedemption(uid, { subject }), NOW);
  const { listEvents } = ledgerOperations({ store });
  const subjectsOf = async (subject: string) =>
    (await listEvents({ limit: 10, subject })).items.map((item) => item.subject).toSorted();
  expect(await subjectsOf('Kiel')).toEqual(['KIEL', 'kiel']);
  expect(await subjectsOf('?iel')).toEqual(['KIEL', 'kiel', '\u212aiel']);
  expect(await subjectsOf('k\u0130el')).toEqual(['k\u0130el']);
});
