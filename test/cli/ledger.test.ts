import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, json, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import {
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
} from '../support/store-samples.js';
import { openSqliteFile } from '../support/stores/sqlite-file.js';
import { openSqliteStore } from '../support/stores/sqlite-store.js';

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';
const C = '00000000-0000-4000-8000-00000000000c';
const work = releaseAfterFile(new Workplace());
const original = work.path('original');
const first = sampleRedemption(A, { subject: 'site-1', createdAt: NOW + 1 });
const second = sampleRedemption(A, { subject: '=cmd|x, "y"', createdAt: NOW + 2, jti: 'j2' });
const third = sampleRedemption(B, { subject: 'site-3', createdAt: NOW + 3 });

/** The end of the ledger as it was after its seventh entry. */
let olderEnd: {
  readonly position: number;
  readonly removed: number;
  readonly refusals: number;
  /** In hex. */
  readonly mac: string;
};

beforeAll(async () => {
  mkdirSync(original, { mode: 0o700 });
  const file = `${original}/linkgrant.db`;
  const store = await openSqliteStore({ file, migrate: true, clock: () => NOW + 20 });
  await store.createGrant(sampleGrant({ uid: A, name: 'a', redemptionsAllowed: 9 }), SAMPLE_CODE);
  await store.createGrant(sampleGrant({ uid: B, name: 'b', redemptionsAllowed: 9 }), SAMPLE_CODE);
  await store.recordRedemption(A, first, NOW + 1);
  await store.createGrant(sampleGrant({ uid: C, name: 'c' }), SAMPLE_CODE);
  const signedCode = { jti: 'j2', uses: 1, expirationTime: NOW + 60_000, subject: null };
  await store.recordRedemption(A, second, NOW + 2, { signedCode });
  await recordRenewalOf(store, sampleRenewal(first.id, 1), NOW + 4);
  const reader = openSqliteFile(file);
  [olderEnd] = reader
    .prepare('SELECT position, removed, refusals, hex(mac) AS mac FROM ledger_end')
    .rows([], false) as [typeof olderEnd];
  reader.close();
  await store.recordRedemption(B, third, NOW + 3);
  await store.recordReplay(first, '198.51.100.4', NOW + 6);
  await store.recordReplay(first, '198.51.100.4', NOW + 7);
  await store.revokeRedemption(second.id, NOW + 8);
  await store.revokeGrant(B, NOW + 9);
  await store.revokeCode({ grantUid: A, jti: 'j1', uses: 1, expirationTime: NOW }, NOW + 10);
  const refusal = {
    grantUid: B,
    code: 'grant_revoked',
    name: 'link-b',
    subject: 'site-b',
    peer: '::1',
  } as const;
  await store.recordRefusal(refusal, NOW + 11);
  await store.recordRefusal({ ...refusal, subject: 'site-c' }, NOW + 12);
  await store.recordRefusal({ ...refusal, subject: 'site-c' }, NOW + 13);
  const issued = { grantUid: C, jti: 'j3', uses: 2, used: 0, expirationTime: NOW + 60_000, revokedAt: null };
  await store.createCode({ ...issued, subject: 'site-4', issuedAt: NOW + 14 });
  await store.updateGrant(C, { redemptionsAllowed: 4 });
  await store.putSetting('service', '{"url":"https://a"}');
  await store.close();
});

/** Copies the store and its ledger key into a new directory. Returns the directory. */
function copyOriginal(name: string): string {
  const directory = work.path(name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  for (const file of ['linkgrant.db', 'ledger.key'])
    copyFileSync(`${original}/${file}`, `${directory}/${file}`);
  return directory;
}

/** Lists the redemptions, or the ledger, of the original store. */
const list = (...words: readonly string[]) =>
  linkgrant(['redemption', 'list', ...words, '--data-dir', original]);

/** Runs `sql` on a copy of the store, and verifies it. */
async function verifyAfter(sql: string) {
  const directory = copyOriginal('changed');
  const db = openSqliteFile(`${directory}/linkgrant.db`);
  db.exec(sql);
  db.close();
  return linkgrant(['redemption', 'list', '--verify', '--data-dir', directory]);
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

describe('redemption list --verify', () => {
  it('finds no fault in an unchanged ledger, for all grants or for one', async () => {
    const all = await verifyAfter('');
    expect(all).toMatchObject({ code: 0, stdout: 'The ledger is unchanged: 16 entries.\n', stderr: '' });
    const ofOne = json(await list('--verify', '--grant', 'b', '-o', 'json'));
    expect(ofOne).toEqual({ whole: true, entries: 3 });
    const { stdout } = await list('--verify', '--grant', 'b');
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
    const ended = await linkgrant(['redemption', 'list', '--verify', '--data-dir', directory]);
    expect(refusalOf(ended).error).toContain('the ledger has an end that does not match its MAC');
    expect(ended.code).toBe(1);
  });

  describe('on a host that has recorded more entries', () => {
    const EPOCH = "key = 'ledger-epoch'";
    const lacksMark = 'lacks its mark: the setting ledger-epoch or ledger-key is missing or forged';
    /** A directory whose store was accepted once as a restored one, and has 18 entries. */
    const usedDirectory = async (): Promise<string> => {
      const directory = copyOriginal('used');
      const place = ['--data-dir', directory];
      expect((await linkgrant(['grant', 'revoke', 'c', ...place])).code).toBe(0);
      copyFileSync(`${original}/linkgrant.db`, `${directory}/linkgrant.db`);
      expect((await linkgrant(['store', 'restored', '--keep', ...place])).code).toBe(0);
      expect((await linkgrant(['grant', 'revoke', 'a', ...place])).code).toBe(0);
      const verified = await linkgrant(['redemption', 'list', '--verify', ...place]);
      expect(verified.stdout).toBe('The ledger is unchanged: 18 entries.\n');
      return directory;
    };

    it.each([
      ['a deleted mark of the ledger', `DELETE FROM settings WHERE ${EPOCH}`, lacksMark],
      ['an empty mark', `UPDATE settings SET value = '' WHERE ${EPOCH}`, lacksMark],
      [
        'a mark with a forged epoch',
        `UPDATE settings SET value = replace(value, ' 2 ', ' 3 ') WHERE ${EPOCH}`,
        lacksMark,
      ],
      [
        'a mark with a forged id',
        `UPDATE settings SET value = '${A}' || substr(value, 37) WHERE ${EPOCH}`,
        lacksMark,
      ],
      ['a deleted id of the key', "DELETE FROM settings WHERE key = 'ledger-key'", lacksMark],
      [
        'the mark of an earlier epoch',
        `ATTACH '${original}/linkgrant.db' AS earlier;
        UPDATE settings SET value = (SELECT value FROM earlier.settings WHERE ${EPOCH}) WHERE ${EPOCH}`,
        'lacks 1 entry that this host has recorded: the store was rolled back',
      ],
    ])('reports %s, as `serve` does', async (_, sql, fault) => {
      const directory = await usedDirectory();
      const db = openSqliteFile(`${directory}/linkgrant.db`);
      db.exec(sql);
      db.close();
      for (const words of [[], ['--grant', 'b']]) {
        const ended = await linkgrant(['redemption', 'list', '--verify', ...words, '--data-dir', directory]);
        const refused = expectRefusal(ended, 2);
        expect(refused.error).toBe(`the ledger is not intact: the ledger ${fault}`);
        expect(refused.hint).toContain('linkgrant store restored');
      }
      const serve = ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', '--data-dir', directory];
      expect(expectRefusal(await linkgrant(serve), 2).hint).toContain('linkgrant store restored');
    });

    it('reports an earlier copy of the store until it is accepted', async () => {
      const directory = copyOriginal('rolled-back');
      const place = ['--data-dir', directory];
      const verify = () => linkgrant(['redemption', 'list', '--verify', ...place]);
      for (const name of ['a', 'c']) {
        expect((await linkgrant(['grant', 'revoke', name, ...place])).code).toBe(0);
      }
      copyFileSync(`${original}/linkgrant.db`, `${directory}/linkgrant.db`);
      const refused = expectRefusal(await verify(), 2);
      expect(refused.error).toContain('the ledger lacks 2 entries that this host has recorded');
      expect((await linkgrant(['store', 'restored', '--keep', ...place])).code).toBe(0);
      expect(await verify()).toMatchObject({ code: 0, stdout: 'The ledger is unchanged: 17 entries.\n' });
    });
  });

  it('names `store restored` if a command would write to a restored backup', async () => {
    const directory = copyOriginal('restored');
    const revoke = (name: string) => linkgrant(['grant', 'revoke', name, '--data-dir', directory]);
    expect((await revoke('a')).code).toBe(0);
    copyFileSync(`${original}/linkgrant.db`, `${directory}/linkgrant.db`);
    const refused = expectRefusal(await revoke('a'), 2);
    expect(refused.error).toContain('the store was rolled back');
    expect(refused.hint).toContain(`run \`linkgrant store restored --data-dir ${directory}\``);
  });

  it.each([
    [
      'another key',
      (file: string) => writeFileSync(file, `${'5a'.repeat(32)}\n`),
      'is not the key of this ledger',
    ],
    ['a missing key', (file: string) => rmSync(file), 'cannot be read (ENOENT)'],
    ['a damaged key', (file: string) => writeFileSync(file, 'x'), 'holds no key of a ledger'],
  ])('refuses to verify, to write and to serve with %s', async (_, change, reason) => {
    const directory = copyOriginal('keyless');
    change(`${directory}/ledger.key`);
    const data = ['--data-dir', directory];
    for (const words of [
      ['redemption', 'list', '--verify'],
      ['grant', 'revoke', 'a'],
      ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off'],
    ]) {
      const ended = await linkgrant([...words, ...data]);
      expect(refusalOf(ended)).toEqual({
        error: expect.stringContaining(reason),
        hint: expect.stringContaining('restore ledger.key'),
      });
      expect(ended.code).toBe(2);
    }
    expect((await linkgrant(['redemption', 'list', ...data])).code).toBe(0);
    expect(json(await linkgrant(['grant', 'show', 'a', '-o', 'json', ...data]))).not.toMatchObject({
      state: 'revoked',
    });
  });

  it('refuses filters other than --grant, and CSV', async () => {
    const since = expectRefusal(await list('--verify', '--since', '1d'), 2);
    expect(since.error).toContain('--verify cannot be combined with --since');
    for (const filter of [
      ['--state', 'valid'],
      ['--overdue'],
      ['--signed-by', third.issuerSha256],
      ['-l', 'team=payments'],
    ]) {
      const { hint } = expectRefusal(await list('--verify', ...filter), 2);
      expect(hint, filter[0]).toContain('only --grant limits the verification');
    }
    const csv = expectRefusal(await list('--verify', '-o', 'csv'), 2);
    expect(csv.error).toBe('--verify cannot be combined with -o csv');
  });
});

describe('redemption list', () => {
  const printed = async (...words: readonly string[]) => {
    const ended = await list(...words);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    return ended.stdout;
  };
  const subjects = async (...words: readonly string[]) =>
    (JSON.parse(await printed('-o', 'json', ...words)) as { subject: string }[]).map(
      ({ subject }) => subject,
    );

  it('filters by time, by grant name or uid, and by a subject pattern', async () => {
    expect(await subjects()).toEqual([first.subject, second.subject, third.subject]);
    expect(await subjects('--since', new Date(NOW + 3).toISOString())).toEqual(['site-3']);
    expect(await subjects('--since', '2031-03-04')).toHaveLength(3);
    expect(await subjects('--since', '2031-03-05')).toEqual([]);
    expect(await subjects('--grant', 'a')).toEqual([first.subject, second.subject]);
    expect(await subjects('--grant', B, '--since', '2031-03-04')).toEqual(['site-3']);
    expect(await subjects('--subject', 'site-?')).toEqual(['site-1', 'site-3']);
    const wrong = expectRefusal(await list('--since', 'yesterday'), 2);
    expect(wrong.error).toContain('--since cannot be "yesterday"');
  });

  it('filters by namespace, by the state of links, and by the CA of the newest certificate', async () => {
    expect(await subjects('--namespace', 'west')).toEqual([]);
    expect(await printed('--subject', 'nobody-*')).toBe('No redemption matches.\n');
    expect(await subjects('--namespace', 'default', '--state', 'revoked')).toEqual([second.subject]);
    expect(await subjects('--state', 'valid')).toEqual([first.subject, third.subject]);
    expect(await subjects('--overdue')).toEqual([]);
    expect(await subjects('--signed-by', third.issuerSha256)).toEqual([third.subject]);
    // The first was renewed by another CA, the second is revoked.
    expect(await subjects('--signed-by', first.issuerSha256)).toEqual([]);
    expect(await subjects('--signed-by', second.issuerSha256)).toEqual([]);
    // The form in which openssl prints a fingerprint.
    const withColons = third.issuerSha256.toUpperCase().replace(/..(?=.)/g, '$&:');
    expect(await subjects('--signed-by', withColons)).toEqual([third.subject]);
    const wrong = expectRefusal(await list('--events', '--overdue'), 2);
    expect(wrong.error).toBe('entries of the ledger have no labels and no state');
  });

  it('accepts the first 16 digits of the SHA-256 of a CA, as `issuer list` prints them, and refuses fewer', async () => {
    expect(await subjects('--signed-by', third.issuerSha256.slice(0, 16))).toEqual([third.subject]);
    const cutOff = third.issuerSha256.slice(0, 15);
    const ended = await list('--signed-by', cutOff);
    expect(ended.stdout).toBe('');
    expect(expectRefusal(ended, 2)).toEqual({
      error: `--signed-by cannot be "${cutOff}"`,
      hint: expect.stringContaining('`linkgrant issuer list '),
    });
  });

  it('writes CSV that a spreadsheet reads as text, quoted where needed', async () => {
    const lines = (await printed('-o', 'csv')).split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^id,grant,grantUid,createdAt,mode,name,subject,peer,jti,serial,/);
    expect(lines[2]).toContain(`,"'=cmd|x, ""y""",192.0.2.7,j2,${second.serial},`);
    expect(lines[4]).toBe('');
  });

  it('prints every entry and the counted refusals, in each format', async () => {
    const events = JSON.parse(await printed('--events', '-o', 'json')) as Record<string, unknown>[];
    expect(events.map(({ seq, kind, count }) => [seq, kind, count])).toEqual([
      [1, 'setting_changed', undefined],
      [1, 'created', undefined],
      [2, 'redeemed', undefined],
      [3, 'code_recorded', undefined],
      [4, 'redeemed', undefined],
      [5, 'renewed', undefined],
      [6, 'replayed', undefined],
      [7, 'revoked', undefined],
      [8, 'code_recorded', undefined],
      [9, 'code_revoked', undefined],
      [1, 'created', undefined],
      [2, 'redeemed', undefined],
      [3, 'grant_revoked', undefined],
      [1, 'created', undefined],
      [2, 'code_recorded', undefined],
      [3, 'changed', undefined],
      [undefined, 'replayed', 1],
      [undefined, 'grant_revoked', 1],
      [undefined, 'grant_revoked', 2],
    ]);
    expect(events[6]).toMatchObject({ redemptionId: first.id, subject: 'site-1', peer: '198.51.100.4' });
    expect(events[0]).toEqual({
      seq: 1,
      time: expect.any(String),
      kind: 'setting_changed',
      setting: 'service',
    });
    const end = '2031-03-04T05:07:07Z';
    expect(events[14]).toMatchObject({ jti: 'j3', uses: 2, subject: 'site-4', expirationTime: end });
    expect(events[15]).toMatchObject({
      name: 'c',
      redemptionsAllowed: 4,
      expirationTime: expect.any(String),
    });
    const csv = (await printed('--events', '-o', 'csv')).split('\r\n');
    expect(csv).toHaveLength(21);
    expect(csv[0]).toContain(',redemptionsAllowed,uses,expirationTime,setting,');
    const text = await printed('--events', '--grant', B);
    expect(text.split('\n')[0]).toMatch(/^TIME +KIND +TIMES +GRANT/);
    expect(text.trimEnd().split('\n')).toHaveLength(6);
    const ofSubject = JSON.parse(await printed('--events', '--subject', 'site-1', '-o', 'json'));
    const kinds = ofSubject.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['redeemed', 'renewed', 'replayed', 'replayed']);
  });
});
