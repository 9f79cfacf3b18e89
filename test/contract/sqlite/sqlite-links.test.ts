import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { openSqliteMemory } from '../../../src/files/sqlite-file.js';
import { matchingLinks } from '../../../src/redemption/administration/links/matching-links.js';
import { encodeCursor, everyItem } from '../../../src/redemption/ports/page.js';
import { linkStore } from '../../../src/stores/sql/links.js';
import { redemptionListing } from '../../../src/stores/sql/list-redemptions.js';
import type { SqlStatement } from '../../../src/stores/sql/operation.js';
import type { SqlDatabase } from '../../../src/stores/sql/sql-database.js';
import { MIGRATIONS } from '../../../src/stores/sqlite/migrations.js';
import { SQLITE } from '../../../src/stores/sqlite/sqlite-database.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

const LINKS = 2_100;

it('the SQLite store reads a bounded part of the links per call, and finds the oldest link in a few calls', async () => {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  const { uid } = await storedGrant(store, { redemptionsAllowed: LINKS });
  const record = (n: number) =>
    store.recordRedemption(uid, sampleRedemption(uid, { subject: `site-${n}` }), NOW);
  await record(0);
  for (let first = 1; first < LINKS; first += 100)
    await Promise.all(Array.from({ length: Math.min(100, LINKS - first) }, (_, n) => record(first + n)));
  const isOldest = ({ subject }: { readonly subject: string }) => subject === 'site-0';
  const part = await store.listLinks({ limit: 10 }, isOldest);
  expect(part).toEqual({ items: [], next: expect.any(String) });
  expect((await matchingLinks(store, { limit: 10 }, isOldest)).items).toMatchObject([{ subject: 'site-0' }]);
});

it.each([
  ['links', (database: SqlDatabase) => linkStore(database).listLinks],
  ['redemptions', (database: SqlDatabase) => redemptionListing(database).listRedemptions],
] as const)('SQLite lists the %s of a grant in the order of an index, without sorting them', (_, listing) => {
  const first: SqlStatement[] = [];
  const read: SqlDatabase['read'] = (query) => {
    first.push(...(query({} as never).next().value as readonly SqlStatement[]));
    return new Promise(() => undefined);
  };
  const page = { limit: 100, grantUid: 'uid', after: encodeCursor([1_000]) };
  void listing({ dialect: SQLITE, read } as SqlDatabase)(page, () => true);
  const database = openSqliteMemory();
  for (const sql of MIGRATIONS.flatMap(({ statements }) => statements)) database.exec(sql);
  const plan = first.flatMap(({ sql, values }) =>
    database.prepare(`EXPLAIN QUERY PLAN ${sql}`).rows(values, false),
  ) as { readonly detail: string }[];
  database.close();
  expect(plan[0]?.detail).toMatch(
    /^SEARCH r USING INDEX redemptions_of_grant \(grant_uid=\? AND rowid[<>]\?\)$/,
  );
  expect(plan.some(({ detail }) => detail.includes('ORDER BY'))).toBe(false);
});

it('the SQLite store reads a bounded part of the totals per step of a search in the ledger', async () => {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec(`WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10050)
    INSERT INTO refusals (grant_uid, code, name, subject, peer, count, first_at, last_at)
    SELECT 'uid', 'policy_subject', 'link', 'site-' || n, '::1', 1, ${NOW} + n / 100, ${NOW} + n / 100 FROM n`);
  db.close();
  for (const kind of [undefined, 'refused'] as const) {
    const first = await store.listLedger({ limit: 1_000, kind, subjectPart: 'no such site' });
    expect(first).toEqual({ items: [], next: expect.any(String) });
    const found = await everyItem((page) => store.listLedger({ ...page, kind, subjectPart: 'site-1' }));
    // site-1, 10 to 19, 100 to 199, 1000 to 1999 and 10000 to 10050, each once.
    const subjects = found.map(({ detail }) => detail.subject);
    expect(subjects).toHaveLength(1_162);
    expect(new Set(subjects).size).toBe(1_162);
    expect(subjects.at(-1)).toBe('site-1');
  }
});
