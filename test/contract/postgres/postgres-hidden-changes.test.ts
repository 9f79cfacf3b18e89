import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../src/domain/duration.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { openPostgresStore } from '../../support/stores/postgres-store.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

const OLD = '00000000-0000-4000-8000-000000000001';
const UID = '00000000-0000-4000-8000-00000000000a';
const INSERTED = '00000000-0000-4000-8000-00000000000c';
const clock = () => NOW;

interface WritableStore {
  readonly store: DatabaseStore;
  /** Executes SQL as a writer of the database. */
  readonly change: (sql: string) => Promise<void>;
  /** Returns the only entry of a kind. */
  readonly entryOf: (kind: string) => Promise<Record<string, unknown> | undefined>;
  /** Opens the same database as another process does. */
  readonly openAnother: () => Promise<DatabaseStore>;
}

async function sqlite(): Promise<WritableStore> {
  const file = join(directoryForTest(), 'linkgrant.db');
  const openAnother = async () => releaseAfterTest(await openSqliteStore({ file, migrate: true, clock }));
  const change = async (sql: string) => withSqliteFile(file, (database) => void database.exec(sql));
  const entryOf = async (kind: string) =>
    withSqliteFile(
      file,
      (db) => db.prepare(`SELECT * FROM events WHERE kind = '${kind}'`).rows([], false)[0],
    ) as Record<string, unknown>;
  return { store: await openAnother(), change, entryOf, openAnother };
}

/** `deadlineMs`: how long a write is retried on other connections after a refusal; absent: the default. */
async function postgres(deadlineMs?: number): Promise<WritableStore> {
  const database = releaseAfterTest(await createTestDatabase());
  const ledgerKeyFile = join(directoryForTest(), 'ledger.key');
  const opening = {
    target: database.place,
    migrate: true,
    clock,
    ledgerKeyFile,
    ...(deadlineMs !== undefined && { deadlineMs }),
  };
  const openAnother = async () => releaseAfterTest(await openPostgresStore(opening));
  const change = async (sql: string) => void (await database.sql(`SET search_path TO linkgrant; ${sql}`));
  const entryOf = async (kind: string) =>
    (await database.sql(`SELECT *, CAST(detail AS TEXT) FROM linkgrant.events WHERE kind = '${kind}'`))[0];
  return { store: await openAnother(), change, entryOf, openAnother };
}

/** Inserts a grant that becomes ready at the next start of a service. */
const INSERT_GRANT = `INSERT INTO grants SELECT '${INSERTED}', namespace, 'inserted', code_hash, code_chosen, 99, 0, window_ms, NULL,
  issuer, policy, created_at, NULL, NULL, NULL, labels, NULL FROM grants WHERE uid = '${UID}'`;
const setGrant = (values: string) => `UPDATE grants SET ${values} WHERE uid = '${UID}'`;
/** Deletes the content of the entries of a kind, as retention does. */
const eraseContent = (
  kind: string,
) => `UPDATE events SET grant_uid = NULL, seq = NULL, at = NULL, kind = NULL,
  redemption_id = NULL, detail = NULL WHERE kind = '${kind}'`;
const token = (jti: string, uses: number) => ({ jti, uses, expirationTime: NOW + MINUTE, subject: null });
const redeem = (store: DatabaseStore, code: ReturnType<typeof token>) =>
  store.recordRedemption(UID, sampleRedemption(UID, { jti: code.jti }), NOW, { signedCode: code });

async function refuse(store: DatabaseStore, subject: string, times: number): Promise<void> {
  const refusal = { grantUid: UID, code: 'policy_subject', name: 'n', subject, peer: '192.0.2.7' } as const;
  for (let count = 0; count < times; count += 1) await store.recordRefusal(refusal, NOW);
}

interface HiddenChange {
  /** What the service did before. */
  readonly before?: (store: DatabaseStore) => Promise<unknown>;
  readonly change: string;
  /** What the service does next, which writes an entry about the changed rows. */
  readonly next: (store: DatabaseStore) => Promise<unknown>;
  /** What the writer changes after it. */
  readonly end?: string;
  readonly problem: string;
}

const CHANGES: readonly (readonly [string, HiddenChange])[] = [
  [
    'a grant that was inserted, and became ready at the next start',
    {
      change: INSERT_GRANT,
      next: async (store) => {
        expect(await store.initializeGrants(NOW)).toBe(1);
        expect(await store.recordRedemption(INSERTED, sampleRedemption(INSERTED), NOW)).toBe('recorded');
      },
      problem:
        'records that the grant was changed, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a grant that was changed so that it became ready again at the next start',
    {
      change: setGrant("expires_at = NULL, redemptions_allowed = 7777, policy = '{}', window_ms = 99999999"),
      next: (store) => store.initializeGrants(NOW),
      problem:
        'records that the grant was changed, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a grant that was changed, and that an operator then updated',
    {
      change: setGrant("redemptions_allowed = 999, policy = '{}', issuer = 'other'"),
      next: (store) => store.updateGrant(UID, { expirationWindowMs: 60 * MINUTE }),
      problem:
        'records that the grant was changed, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a grant that was changed, and that an operator then deleted',
    {
      before: (store) => store.updateGrant(UID, { redemptionsAllowed: 8 }),
      change: setGrant("issuer = 'other'"),
      next: (store) => store.deleteGrant(UID),
      problem:
        'records the deletion of the grant, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a grant that was inserted, and that an operator then deleted',
    {
      change: INSERT_GRANT,
      next: (store) => store.deleteGrant(INSERTED),
      problem:
        'records the deletion of the grant, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a setting that was changed, and that the service then put back',
    {
      before: (store) => store.putSetting('service', 'https://a.example'),
      change: "UPDATE settings SET value = 'https://b.example' WHERE key = 'service'",
      next: (store) => store.putSetting('service', 'https://a.example'),
      problem:
        'records a change of setting service, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a setting that was inserted, and that the service then replaced',
    {
      change: "INSERT INTO settings VALUES ('service', 'https://b.example')",
      next: (store) => store.putSetting('service', 'https://a.example'),
      problem:
        'records a change of setting service, but the row at that time differed from the last entry about it',
    },
  ],
  [
    'a token that was inserted in the place of one that was recorded again',
    {
      before: (store) => redeem(store, token('j', 2)),
      change: `DELETE FROM codes; INSERT INTO codes VALUES ('${UID}', 'k', 9, 0, ${NOW}, NULL, NULL, NULL)`,
      next: async (store) => {
        for (const code of [token('j', 2), token('k', 9), token('k', 9)])
          expect(await redeem(store, code)).toBe('recorded');
      },
      end: "UPDATE codes SET used = 2 WHERE jti = 'j'",
      problem: 'records code j twice',
    },
  ],
];

describe.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
])('%s', (_, open) => {
  it.each(CHANGES)('a verification reports %s', async (__, { before, change: sql, next, end, problem }) => {
    const { store, change } = await open();
    await storedGrant(store, {
      uid: UID,
      name: 'a',
      redemptionsAllowed: 9,
      policy: { subjects: ['site-a'] },
    });
    await before?.(store);
    expect(await store.verifyLedger()).not.toHaveProperty('fault');
    await change(sql);
    await next(store);
    if (end !== undefined) await change(end);
    expect((await store.verifyLedger()).fault).toMatchObject({ problem });
  });

  it.each([
    [
      'redemption',
      false,
      `${eraseContent('redeemed')}; DELETE FROM redemptions; ${setGrant('redemptions = 0')}`,
    ],
    ['revocation', true, `${eraseContent('revoked')}; UPDATE redemptions SET revoked_at = NULL`],
  ])(
    'a verification reports a removed entry that was put back, if the content of a %s was deleted instead',
    async (__, isRevoked, sql) => {
      const { store, change, entryOf } = await open();
      await storedGrant(store, { uid: OLD });
      await storedGrant(store, { uid: UID });
      const redemption = sampleRedemption(UID);
      expect(await store.recordRedemption(UID, redemption, NOW)).toBe('recorded');
      if (isRevoked) await store.revokeRedemption(redemption.id, NOW);
      await store.deleteGrant(OLD);
      const { position, grant_uid, seq, at, kind, detail } = (await entryOf('deleted')) ?? {};
      while (await store.removeOldLedger(NOW + 500 * DAY_MS));
      expect(await store.verifyLedger()).toEqual({ entries: isRevoked ? 3 : 2 });
      await change(`UPDATE events SET grant_uid = '${grant_uid}', seq = ${seq}, at = ${at}, kind = '${kind}', detail = '${detail}'
        WHERE position = ${position}; ${sql}`);
      const problem = 'lacks the content of other entries than those that retention removed';
      for (const uid of [undefined, UID])
        expect((await store.verifyLedger(uid)).fault).toEqual({ grantUid: null, seq: null, problem });
      await store.recordRedemption(UID, sampleRedemption(UID), NOW);
      expect((await store.verifyLedger()).fault).toMatchObject({ problem });
    },
  );

  it('a verification reports refusals that were moved to another client, also after further refusals of that client', async () => {
    const { store, change } = await open();
    await storedGrant(store, { uid: UID });
    await refuse(store, 'evil', 7);
    await refuse(store, 'paris', 1);
    expect(await store.verifyLedger()).toEqual({ entries: 1 });
    await change(
      "DELETE FROM refusals WHERE subject = 'evil'; UPDATE refusals SET count = 8 WHERE subject = 'paris'",
    );
    for (const times of [0, 1, 2]) {
      await refuse(store, 'paris', times);
      const problem = expect.stringContaining('do not match their MAC');
      expect((await store.verifyLedger()).fault).toMatchObject({ grantUid: UID, problem });
    }
  });

  it('refuses an earlier end of the ledger whose only later changes were refusals, and a verification reports it', async () => {
    const { store, change, openAnother } = await open(2_000);
    await storedGrant(store, { uid: UID });
    await refuse(store, 'evil', 1);
    const saved = ['ledger_end', 'refusals'];
    await change(saved.map((table) => `CREATE TABLE saved_${table} AS SELECT * FROM ${table}`).join(';'));
    await refuse(store, 'evil', 8);
    expect((await store.listLedger({ limit: 9, kind: 'refused' })).items).toMatchObject([
      { detail: { count: 9 } },
    ]);
    await change(
      saved
        .map(
          (table) =>
            `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM saved_${table}; DROP TABLE saved_${table}`,
        )
        .join(';'),
    );
    expect((await store.verifyLedger()).fault).toMatchObject({ isRolledBack: true });
    await expect(refuse(store, 'evil', 1)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.putSetting('service', 'x')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect((await store.verifyLedger()).fault).toMatchObject({ isRolledBack: true });
    // The end is recorded when the store is closed.
    await store.close();
    await expect(openAnother()).rejects.toThrow('the store was rolled back');
  });

  it('a verification accepts grants that become ready, and settings that change, in two processes at once', async () => {
    const { store, openAnother } = await open();
    const stores = [store, await openAnother()];
    const pending = { expirationTime: null, readyAt: null };
    const grants = await Promise.all(Array.from({ length: 9 }, () => storedGrant(store, pending)));
    await Promise.all(
      stores.flatMap((each, n) => [
        each.initializeGrants(NOW),
        ...grants.map(({ uid }) => each.updateGrant(uid, { redemptionsAllowed: 5 + n })),
        ...['a', 'b', 'c'].map((value) => each.putSetting('service', `${value}${n}`)),
      ]),
    );
    expect(await store.verifyLedger()).toEqual({ entries: 9 + 9 + 18 + 6 });
  });
});
