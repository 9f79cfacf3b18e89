import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Redemption } from '../../src/domain/redemption.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import type { RenewedRedemption } from '../../src/redemption/ports/renewal-store.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../support/store-samples.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';
import { openSqliteStore } from '../support/stores/sqlite-store.js';

const UID = '00000000-0000-4000-8000-00000000000a';
const FIRST_REDEMPTION = sampleRedemption(UID, { jti: 'j' });
const CODE = { jti: 'j', uses: 1, expirationTime: NOW + MINUTE, subject: null };
const FIRST_RENEWAL = sampleRenewal(FIRST_REDEMPTION.id, 1);
// More than the window of a sample grant.
const LATER = NOW + 60 * MINUTE;

/** Stores a grant with the uid {@link UID}, one redemption of which used up its only code. */
async function storeWithGrant(): Promise<{ store: DatabaseStore; change: (sql: string) => void }> {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  await storedGrant(store, { uid: UID, name: 'a', redemptionsAllowed: 2 });
  await store.recordRedemption(UID, FIRST_REDEMPTION, NOW, { signedCode: CODE });
  return { store, change: (sql) => withSqliteFile(file, (database) => database.exec(sql)) };
}

const redeem = (store: DatabaseStore, now = NOW, changes: Partial<Redemption> = {}) =>
  store.recordRedemption(
    UID,
    sampleRedemption(UID, changes),
    now,
    changes.jti === 'j' ? { signedCode: CODE } : {},
  );
const setGrant = (values: string) => `UPDATE grants SET ${values} WHERE uid = '${UID}'`;
const setCode = (values: string) => `UPDATE codes SET ${values} WHERE jti = 'j'`;

interface ReversedChange {
  /** Makes the grant or code unusable. */
  readonly end?: (store: DatabaseStore) => Promise<unknown>;
  readonly change: string;
  readonly reverse: string;
  readonly at?: number;
  readonly jti?: string;
  readonly fault: string;
}

it.each<[string, ReversedChange]>([
  [
    'whose uses were raised',
    {
      end: (store) => redeem(store),
      change: setGrant('redemptions_allowed = 9'),
      reverse: setGrant('redemptions_allowed = 2'),
      fault: 'which exceeds the uses of the grant',
    },
  ],
  [
    'whose count of uses was lowered',
    {
      end: (store) => redeem(store),
      change: setGrant('redemptions = 0'),
      reverse: setGrant('redemptions = 3'),
      fault: 'which exceeds the uses of the grant',
    },
  ],
  [
    'whose uses were raised after an operator had reduced them',
    {
      end: (store) => store.updateGrant(UID, { redemptionsAllowed: 1 }),
      change: setGrant('redemptions_allowed = 2'),
      reverse: setGrant('redemptions_allowed = 1'),
      fault: 'which exceeds the uses of the grant',
    },
  ],
  [
    'whose revocation was removed',
    {
      end: (store) => store.revokeGrant(UID, NOW),
      change: setGrant('revoked_at = NULL'),
      reverse: setGrant(`revoked_at = ${NOW}`),
      fault: 'although the grant was revoked',
    },
  ],
  [
    'whose expiry was postponed',
    {
      change: setGrant(`expires_at = ${LATER + 1}`),
      reverse: setGrant(`expires_at = ${NOW + 15 * MINUTE}`),
      at: LATER,
      fault: 'after the expiry of the grant',
    },
  ],
  [
    'that was deleted, and inserted again',
    {
      end: (store) => store.deleteGrant(UID),
      change: `INSERT INTO grants SELECT '${UID}', namespace, 'b', code_hash, code_chosen, 9, 1, window_ms, expires_at,
        issuer, policy, created_at, ready_at, NULL, NULL, labels, note FROM grants`,
      reverse: `DELETE FROM grants WHERE uid = '${UID}'`,
      fault: 'although the grant was deleted',
    },
  ],
  [
    'with a code whose count of uses was lowered',
    {
      change: setCode('used = 0'),
      reverse: setCode('used = 2'),
      jti: 'j',
      fault: 'has 2 redemptions of code j, and its uses are 1',
    },
  ],
  [
    'with a code whose revocation was removed',
    {
      end: (store) => store.revokeCode({ ...CODE, grantUid: UID }, NOW),
      change: setCode('revoked_at = NULL, used = 0'),
      reverse: setCode(`revoked_at = ${NOW}, used = 2`),
      jti: 'j',
      fault: 'although code j was revoked',
    },
  ],
])(
  'a verification reports a redemption that a reversed change made possible: of a grant %s',
  async (_, { end, change: sql, reverse, at = NOW, jti = null, fault }) => {
    const { store, change } = await storeWithGrant();
    // The row that the insertion of a deleted grant copies.
    await store.createGrant(sampleGrant(), SAMPLE_CODE);
    await end?.(store);
    expect(await redeem(store, at, { jti })).not.toBe('recorded');
    change(sql);
    expect(await redeem(store, at, { jti })).toBe('recorded');
    change(reverse);
    for (const uid of [undefined, UID]) {
      expect((await store.verifyLedger(uid)).fault).toMatchObject({
        grantUid: UID,
        problem: expect.stringContaining(fault),
      });
    }
  },
);

it.each([0, 1, 2, 9])(
  'a verification reports redemptions beyond the uses of a code, also if its grant was deleted and the code then counts %i',
  async (used) => {
    const { store, change } = await storeWithGrant();
    change(setCode('used = 0'));
    expect(await redeem(store, NOW, { jti: 'j' })).toBe('recorded');
    await store.deleteGrant(UID);
    change(setCode(`used = ${used}`));
    for (const uid of [undefined, UID])
      expect((await store.verifyLedger(uid)).fault).toEqual({
        grantUid: UID,
        seq: null,
        problem: 'has 2 redemptions of code j, and its uses are 1',
      });
  },
);

it('a verification reports a use count of a code that was decreased after its grant was deleted', async () => {
  const { store, change } = await storeWithGrant();
  await store.deleteGrant(UID);
  expect(await store.verifyLedger()).not.toHaveProperty('fault');
  change(setCode('used = 0'));
  expect(await store.verifyLedger()).toHaveProperty('fault');
});

it('a verification reports the redemption of a grant that was inserted, and deleted afterwards', async () => {
  const { store, change } = await storeWithGrant();
  change(setGrant("uid = 'forged', redemptions = 0"));
  expect(await store.recordRedemption('forged', sampleRedemption('forged'), NOW)).toBe('recorded');
  change(`UPDATE grants SET uid = '${UID}', redemptions = 1`);
  expect((await store.verifyLedger()).fault).toMatchObject({
    grantUid: 'forged',
    problem: expect.stringContaining('which exceeds the uses of the grant'),
  });
});

it('a verification reports a renewal that a reversed change made possible: of a redemption whose revocation was removed', async () => {
  const { store, change } = await storeWithGrant();
  const renew = (number: number) => recordRenewalOf(store, sampleRenewal(FIRST_REDEMPTION.id, number), NOW);
  expect(await renew(1)).toBe('recorded');
  await store.revokeRedemption(FIRST_REDEMPTION.id, NOW + 1);
  expect(await store.verifyLedger()).not.toHaveProperty('fault');
  expect(await renew(2)).toEqual({ refused: 'redemption_revoked' });
  change('UPDATE redemptions SET revoked_at = NULL');
  expect(await renew(2)).toBe('recorded');
  change(`UPDATE redemptions SET revoked_at = ${NOW + 1}`);
  const problem = `records renewal 2 of redemption ${FIRST_REDEMPTION.id}, although the redemption was revoked`;
  for (const uid of [undefined, UID])
    expect((await store.verifyLedger(uid)).fault).toEqual({ grantUid: UID, seq: 6, problem });
});

const setRedemption = (values: string) => `UPDATE redemptions SET ${values}`;
const setRenewal = (values: string) => `UPDATE renewals SET ${values} WHERE number = 1`;
const originalValues = (row: object, columns: Record<string, string>): string =>
  Object.entries(columns)
    .map(([column, field]) => `${column} = '${Reflect.get(row, field)}'`)
    .join(', ');
const CERTIFICATE = { certificate: 'certificate', certificate_sha256: 'certificateSha256' };
const OTHER_CERTIFICATE = "certificate = 'of the writer', certificate_sha256 = 'ff'";

it.each<[string, { number: number; change: string; reverse: string }]>([
  [
    'a redemption whose certificate and subject were replaced',
    {
      number: 1,
      change: setRedemption(`${OTHER_CERTIFICATE}, subject = 'headquarters'`),
      reverse: setRedemption(originalValues(FIRST_REDEMPTION, { ...CERTIFICATE, subject: 'subject' })),
    },
  ],
  [
    'a redemption whose certificate was replaced, but not its hash',
    {
      number: 1,
      change: setRedemption("certificate = 'of the writer'"),
      reverse: setRedemption(originalValues(FIRST_REDEMPTION, { certificate: 'certificate' })),
    },
  ],
  [
    'a redemption whose subject was replaced',
    {
      number: 2,
      change: setRedemption("subject = 'headquarters'"),
      reverse: setRedemption(originalValues(FIRST_REDEMPTION, { subject: 'subject' })),
    },
  ],
  [
    'a redemption whose rules were replaced',
    {
      number: 2,
      change: setRedemption('policy = \'{"certificateLifetimeMs":1}\''),
      reverse: setRedemption("policy = '{}'"),
    },
  ],
  [
    'a renewal whose certificate was replaced',
    {
      number: 2,
      change: setRenewal(OTHER_CERTIFICATE),
      reverse: setRenewal(originalValues(FIRST_RENEWAL, CERTIFICATE)),
    },
  ],
])(
  'a verification reports a renewal that was issued after a change and recorded after its reversal: of %s',
  async (_, { number, change: sql, reverse }) => {
    const { store, change } = await storeWithGrant();
    if (number === 2) expect(await recordRenewalOf(store, FIRST_RENEWAL, NOW)).toBe('recorded');
    change(sql);
    const basis = (await store.findRenewedRedemption(FIRST_REDEMPTION.id)) as RenewedRedemption;
    change(reverse);
    expect(await store.verifyLedger()).not.toHaveProperty('fault');
    expect(await store.recordRenewal(sampleRenewal(FIRST_REDEMPTION.id, number), basis, NOW)).toBe(
      'recorded',
    );
    const problem = `records renewal ${number} of redemption ${FIRST_REDEMPTION.id}, which was issued from changed rows`;
    for (const uid of [undefined, UID])
      expect((await store.verifyLedger(uid)).fault).toMatchObject({ grantUid: UID, problem });
  },
);

it('a verification accepts redemptions after a late start of the expiry, after changes and before revocations', async () => {
  const { store } = await storeWithGrant();
  const { uid } = await storedGrant(store, { expirationTime: null, readyAt: null, redemptionsAllowed: 3 });
  const record = (now: number) => store.recordRedemption(uid, sampleRedemption(uid), now);
  expect(await record(LATER)).toMatchObject({ refused: 'link_access_unavailable' });
  await store.initializeGrants(LATER);
  expect(await record(LATER + MINUTE)).toBe('recorded');
  // A clock that was set back.
  expect(await record(NOW - MINUTE)).toBe('recorded');
  await store.updateGrant(uid, { redemptionsAllowed: 1 });
  expect(await record(LATER)).toMatchObject({ refused: 'grant_exhausted' });
  await store.updateGrant(uid, { redemptionsAllowed: 4, expirationTime: LATER + 30 * MINUTE });
  expect(await record(LATER + 20 * MINUTE)).toBe('recorded');
  await store.revokeCode({ ...CODE, grantUid: UID }, NOW);
  expect(await redeem(store)).toBe('recorded');
  await store.revokeGrant(uid, LATER, true);
  await store.deleteGrant(uid);
  expect(await store.verifyLedger()).not.toHaveProperty('fault');
});

it.each([2, 1000])(
  'a verification reports a redemption or renewal after a revocation whose entry got a higher number (%i)',
  async (seq) => {
    for (const kind of ['grant_revoked', 'revoked']) {
      const { store, change } = await storeWithGrant();
      const redeemedEntry = `grant_uid = '${UID}' AND kind = 'redeemed'`;
      change(`UPDATE events SET seq = ${seq} + 100 WHERE ${redeemedEntry}`);
      if (kind === 'revoked') await store.revokeRedemption(FIRST_REDEMPTION.id, NOW);
      else await store.revokeGrant(UID, NOW);
      change(`UPDATE events SET seq = 3 WHERE ${redeemedEntry}`);
      change(`UPDATE events SET grant_uid = 'x' WHERE kind = '${kind}'`);
      change('UPDATE grants SET revoked_at = NULL; UPDATE redemptions SET revoked_at = NULL');
      if (kind === 'revoked') expect(await recordRenewalOf(store, FIRST_RENEWAL, NOW)).toBe('recorded');
      else expect(await redeem(store)).toBe('recorded');
      change(`UPDATE events SET grant_uid = '${UID}' WHERE kind = '${kind}'`);
      change(`UPDATE ${kind === 'revoked' ? 'redemptions' : 'grants'} SET revoked_at = ${NOW}`);
      for (const uid of [undefined, UID])
        expect((await store.verifyLedger(uid)).fault).toMatchObject({ grantUid: UID, seq: seq + 101 });
    }
  },
);
