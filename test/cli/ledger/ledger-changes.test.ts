import { describe, expect, it } from 'vitest';
import { json, linkgrant, refusalOf } from '../../support/command-line.js';
import { NOW, sampleRedemption } from '../../support/store-samples.js';
import { openSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';
import { A, B, C, openSampleLedger } from './sample-ledger.js';

const { copyOriginal, first, ledger, olderEnd, second, third } = await openSampleLedger();

/** Runs `sql` on a copy of the store, and verifies it. */
async function verifyAfter(sql: string) {
  const directory = copyOriginal('changed');
  const db = openSqliteFile(`${directory}/linkgrant.db`);
  db.exec(sql);
  db.close();
  return linkgrant(['ledger', 'verify', '--data-dir', directory]);
}

const WRONG_END = 'the ledger has an end that does not match its MAC';

/** What was changed: the SQL that changes it, and the fault that the verification reports. */
const CHANGES: Readonly<Record<string, readonly [sql: string, fault: string]>> = {
  'a changed address': [
    `UPDATE events SET detail = replace(detail, '192.0.2.7', '192.0.2.8') WHERE grant_uid = '${A}' AND seq = 2`,
    `entry 2 of grant ${A} does not match its MAC`,
  ],
  'an entry of a creation whose detail is not JSON': [
    `UPDATE events SET detail = 'x' WHERE grant_uid = '${C}' AND seq = 1`,
    `entry 1 of grant ${C} does not match its MAC`,
  ],
  'an entry of a code whose detail is not JSON': [
    `UPDATE events SET detail = 'x' WHERE grant_uid = '${C}' AND seq = 2`,
    `entry 2 of grant ${C} does not match its MAC`,
  ],
  'a changed actor': [
    `UPDATE events SET detail = replace(detail, 'oidc:4711', 'oidc:4712') WHERE grant_uid = '${B}' AND seq = 3`,
    `entry 3 of grant ${B} does not match its MAC`,
  ],
  'a removed name of an actor': [
    `UPDATE events SET detail = json_remove(detail, '$.actorName') WHERE grant_uid = '${B}' AND seq = 3`,
    `entry 3 of grant ${B} does not match its MAC`,
  ],
  'a changed time': [
    `UPDATE events SET at = at + 1 WHERE grant_uid = '${B}' AND seq = 1`,
    `entry 1 of grant ${B} does not match its MAC`,
  ],
  'a deleted entry': [
    `DELETE FROM events WHERE grant_uid = '${A}' AND seq = 2`,
    'the ledger lacks entry 3 of 16',
  ],
  'two entries with exchanged positions': [
    `UPDATE events SET seq = 99 WHERE grant_uid = '${A}' AND seq = 1;
    UPDATE events SET seq = 1 WHERE grant_uid = '${A}' AND seq = 2;
    UPDATE events SET seq = 2 WHERE grant_uid = '${A}' AND seq = 99`,
    `entry 1 of grant ${A} does not match its MAC`,
  ],
  'an inserted entry': [
    `INSERT INTO events SELECT 17, grant_uid, 10, at, kind, redemption_id, detail, mac FROM events WHERE grant_uid = '${A}' AND seq = 9`,
    WRONG_END,
  ],
  'an entry moved to another grant': [
    `UPDATE events SET grant_uid = '${B}', seq = 4 WHERE grant_uid = '${A}' AND seq = 9`,
    `entry 4 of grant ${B} does not match its MAC`,
  ],
  'a deleted last entry of a grant': [
    `DELETE FROM events WHERE grant_uid = '${A}' AND seq = 9`,
    'the ledger lacks entry 13 of 16',
  ],
  'the deleted entries of a grant': [
    `DELETE FROM events WHERE grant_uid = '${B}'`,
    'the ledger lacks entry 2 of 16',
  ],
  'a deleted last entry, with the end set back by one': [
    'DELETE FROM events WHERE position = 16; UPDATE ledger_end SET position = 15',
    WRONG_END,
  ],
  'a grant removed with its entries, as retention does it': [
    `UPDATE events SET grant_uid = NULL, seq = NULL, at = NULL, kind = NULL, redemption_id = NULL, detail = NULL WHERE grant_uid = '${B}';
    DELETE FROM redemptions WHERE grant_uid = '${B}';
    DELETE FROM grants WHERE uid = '${B}'`,
    'the ledger lacks the content of 3 of 16 entries',
  ],
  'an entry whose number hides it from listings': [
    "PRAGMA ignore_check_constraints = ON; UPDATE events SET grant_uid = '', seq = -1 WHERE kind = 'code_revoked'",
    'the ledger has 16 entries, of which listings contain 15',
  ],
  'a forged end of the ledger': ['UPDATE ledger_end SET position = 6', WRONG_END],
  'a deleted end of the ledger': ['DELETE FROM ledger_end', WRONG_END],
  'a deleted redemption': [
    `DELETE FROM redemptions WHERE id = '${first.id}'`,
    `entry 2 of grant ${A} records redemption ${first.id}, which is missing`,
  ],
  'a changed subject': [
    `UPDATE redemptions SET subject = 'other' WHERE id = '${second.id}'`,
    `entry 4 of grant ${A} records redemption ${second.id}, which was changed`,
  ],
  'a redemption that listings skip': [
    `UPDATE redemptions SET position = -1 WHERE id = '${first.id}'`,
    `entry 2 of grant ${A} records redemption ${first.id}, whose position was changed`,
  ],
  'two redemptions of a grant that are listed in another order': [
    `UPDATE redemptions SET position = 99 WHERE id = '${first.id}'`,
    `entry 4 of grant ${A} records redemption ${second.id}, whose position was changed`,
  ],
  'another certificate': [
    `UPDATE redemptions SET certificate = certificate || 'x' WHERE id = '${third.id}'`,
    `entry 2 of grant ${B} records redemption ${third.id}, which was changed`,
  ],
  'an inserted redemption': [
    `INSERT INTO redemptions SELECT 99, 'forged', grant_uid, 'k', mode, name, subject, peer, jti, serial, key_sha256, certificate_sha256, issuer_sha256, not_after, certificate, policy, site_uid, NULL, NULL, created_at, NULL, namespace, issuer, labels, note, 0, NULL, NULL, NULL, NULL FROM redemptions WHERE id = '${first.id}'`,
    `grant ${A} has redemption forged, which no entry records`,
  ],
  'a redemption that is no longer revoked': [
    `UPDATE redemptions SET revoked_at = NULL WHERE id = '${second.id}'`,
    `entry 7 of grant ${A} records the revocation of redemption ${second.id}, and its row does not`,
  ],
  'a redemption that was revoked, if no entry records this': [
    `UPDATE redemptions SET revoked_at = 5 WHERE id = '${first.id}'`,
    `grant ${A} has redemption ${first.id}, whose revocation no entry records`,
  ],
  'a changed renewal': [
    "UPDATE renewals SET serial = 'ff'",
    `entry 5 of grant ${A} records renewal 1 of redemption ${first.id}, which was changed`,
  ],
  'a deleted renewal': [
    'DELETE FROM renewals',
    `entry 5 of grant ${A} records renewal 1 of redemption ${first.id}, which is missing`,
  ],
  'an inserted renewal': [
    `INSERT INTO renewals SELECT redemption_id, 2, serial, key_sha256, certificate_sha256, issuer_sha256, not_after, certificate, renewed_at, peer FROM renewals`,
    `grant ${A} has a renewal of redemption ${first.id}, which no entry records`,
  ],
  'a grant that is redeemable again': [
    `UPDATE grants SET revoked_at = NULL WHERE uid = '${B}'`,
    `entry 3 of grant ${B} records the revocation of the grant, and its row does not`,
  ],
  'a grant that was revoked, if no entry records this': [
    `UPDATE grants SET revoked_at = 5 WHERE uid = '${A}'`,
    `grant ${A} is revoked, and no entry records it`,
  ],
  'a lowered count of uses of a grant': [
    `UPDATE grants SET redemptions = 1 WHERE uid = '${A}'`,
    `grant ${A} counts 1 redemptions, and its entries record 2`,
  ],
  'a lowered count of uses of a code': [
    "UPDATE codes SET used = 0 WHERE jti = 'j2'",
    `grant ${A} counts 0 redemptions of code j2, and its entries record 1`,
  ],
  'a used code that was deleted': [
    "DELETE FROM codes WHERE jti = 'j2'",
    `entry 3 of grant ${A} records code j2, which is missing`,
  ],
  'a use of a code without a redemption': [
    "UPDATE codes SET used = 1 WHERE jti = 'j1'",
    `grant ${A} counts 1 redemptions of code j1, and its entries record 0`,
  ],
  'a use of a grant without a redemption': [
    `UPDATE grants SET redemptions = 1 WHERE uid = '${C}'`,
    `grant ${C} counts 1 redemptions, and its entries record 0`,
  ],
  'an inserted grant': [
    `INSERT INTO grants SELECT 'forged', namespace, 'forged', code_hash, code_chosen, redemptions_allowed, 0, window_ms, expires_at, issuer, policy, created_at, ready_at, revoked_at, source_file, labels, note FROM grants WHERE uid = '${C}'`,
    'grant forged has no entry about its creation',
  ],
  'a deleted grant': [
    `DELETE FROM grants WHERE uid = '${C}'`,
    `grant ${C} is missing, and no entry records its deletion`,
  ],
  'an unused code that was deleted': [
    "DELETE FROM codes WHERE jti = 'j3'",
    `entry 2 of grant ${C} records code j3, which is missing`,
  ],
  'an inserted code': [
    `INSERT INTO codes VALUES ('${C}', 'forged', 1, 0, 5, NULL, NULL, NULL)`,
    `grant ${C} has code forged, which no entry records`,
  ],
  'another address of the service': [
    `UPDATE settings SET value = '{"url":"https://b"}' WHERE key = 'service'`,
    'the ledger records setting service, which was changed',
  ],
  'an address of the service that was deleted': [
    "DELETE FROM settings WHERE key = 'service'",
    'the ledger records setting service, which is missing',
  ],
  'an inserted setting': [
    "INSERT INTO settings VALUES ('code-key', 'x')",
    'the ledger has setting code-key, which no entry records',
  ],
  'a code that is redeemable again': [
    "UPDATE codes SET revoked_at = NULL WHERE jti = 'j1'",
    `entry 9 of grant ${A} records the revocation of code j1, and its row does not`,
  ],
  'a changed count of refusals': [
    "UPDATE refusals SET count = 7 WHERE code = 'grant_revoked'",
    `grant ${B} has refusals (grant_revoked, subject "site-b") that do not match their MAC`,
  ],
  'deleted refusals': [
    "DELETE FROM refusals WHERE subject = 'site-c'",
    'the ledger has refusals that add up to 2, and 4 were counted',
  ],
  'deleted refusals, with a matching total': [
    "DELETE FROM refusals WHERE subject = 'site-c'; UPDATE ledger_end SET refusals = 2",
    WRONG_END,
  ],
  'refusals whose uid belongs to no grant': [
    "UPDATE refusals SET grant_uid = 'removed' WHERE subject = 'site-c'",
    'grant removed has refusals (grant_revoked, subject "site-c") that do not match their MAC',
  ],
};

describe('ledger verify', () => {
  it('finds no fault in an unchanged ledger, for all grants or for one', async () => {
    const all = await verifyAfter('');
    expect(all).toMatchObject({ code: 0, stdout: 'The ledger is unchanged: 16 entries.\n', stderr: '' });
    const ofOne = json(await ledger('verify', '--grant', 'b', '-o', 'json'));
    expect(ofOne).toEqual({ whole: true, entries: 3 });
    const { stdout } = await ledger('verify', '--grant', 'b');
    expect(stdout).toBe('The ledger entries of the grant are unchanged: 3 entries.\n');
  });

  const expectFault = async (sql: string, fault: string) => {
    const ended = await verifyAfter(sql);
    expect(refusalOf(ended)).toMatchObject({ error: `the ledger is not intact: ${fault}` });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
  };

  it.each(Object.entries(CHANGES))('reports %s', (_, [sql, fault]) => expectFault(sql, fault));

  it.each([
    "code_hash = x'00'",
    'redemptions_allowed = 99',
    'expires_at = expires_at + 1',
    "issuer = 'other'",
    `policy = '{"subjects":["*"]}'`,
    "namespace = 'other'",
  ])('reports a grant whose row was changed (%s)', (change) =>
    expectFault(
      `UPDATE grants SET ${change} WHERE uid = '${C}'`,
      `grant ${C} differs from its last entry: its code, limits, rules or expiry were changed`,
    ),
  );

  it.each(["subject = 'site-5'", 'subject = NULL', 'uses = 99', 'expires_at = expires_at + 1'])(
    'reports a signed code whose row was changed (%s)',
    (change) =>
      expectFault(
        `UPDATE codes SET ${change} WHERE jti = 'j3'`,
        `entry 2 of grant ${C} records code j3, which was changed`,
      ),
  );

  it('detects deleted entries if an earlier authentic end was restored', async () => {
    const { position, removed, refusals, mac } = olderEnd;
    expect(position).toBe(7);
    await expectFault(
      `UPDATE ledger_end
      SET position = ${position}, removed = ${removed}, refusals = ${refusals}, mac = x'${mac}';
      DELETE FROM events WHERE grant_uid = '${A}' AND seq > 5;
      UPDATE redemptions SET revoked_at = NULL WHERE grant_uid = '${A}';
      DELETE FROM codes WHERE jti = 'j1'`,
      'the ledger lacks entry 9 of 16',
    );
  });

  it('reports deleted entries also after later entries were written', async () => {
    const directory = copyOriginal('covered');
    const file = `${directory}/linkgrant.db`;
    const db = openSqliteFile(file);
    db.exec(`DELETE FROM events WHERE position = 16;
      UPDATE ledger_end SET position = 15;
      DELETE FROM settings WHERE key = 'service'`);
    db.close();
    const store = await openSqliteStore({ file, migrate: false, clock: () => NOW });
    for (let n = 0; n < 3; n++) await store.recordRedemption(A, sampleRedemption(A), NOW + 30 + n);
    await store.close();
    const ended = await linkgrant(['ledger', 'verify', '--data-dir', directory]);
    expect(refusalOf(ended).error).toContain('the ledger has an end that does not match its MAC');
    expect(ended.code).toBe(1);
  });
});
