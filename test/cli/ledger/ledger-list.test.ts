import { describe, expect, it } from 'vitest';
import { expectRefusal, linkgrant } from '../../support/command-line.js';
import { NOW, storedGrant } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';
import { A, B, openSampleLedger } from './sample-ledger.js';

const { copyOriginal, first, ledger, original } = await openSampleLedger();

const printed = async (...words: readonly string[]) => {
  const ended = await ledger('list', ...words);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return ended.stdout;
};
/** The kind and the grant of each listed entry. */
const listed = async (...words: readonly string[]) =>
  JSON.parse(await printed(...words, '-o', 'json')).map(
    ({ kind, grant }: Record<string, string>) => `${kind} ${grant}`,
  );

describe('ledger list', () => {
  it('prints every entry and the counted refusals, in each format', async () => {
    const events = JSON.parse(await printed('-o', 'json')) as Record<string, unknown>[];
    expect(events.map(({ grant, seq, kind, count }) => [grant, seq, kind, count])).toEqual([
      [undefined, 1, 'setting_changed', undefined],
      ['c', 3, 'changed', undefined],
      ['c', 2, 'code_recorded', undefined],
      ['b', undefined, 'refused', 2],
      ['b', undefined, 'refused', 1],
      ['a', 9, 'code_revoked', undefined],
      ['a', 8, 'code_recorded', undefined],
      ['b', 3, 'grant_revoked', undefined],
      ['a', 7, 'revoked', undefined],
      ['a', undefined, 'replayed', 1],
      ['a', 6, 'replayed', undefined],
      ['a', 5, 'renewed', undefined],
      ['b', 2, 'redeemed', undefined],
      ['a', 4, 'redeemed', undefined],
      ['a', 3, 'code_recorded', undefined],
      ['a', 2, 'redeemed', undefined],
      ['c', 1, 'created', undefined],
      ['b', 1, 'created', undefined],
      ['a', 1, 'created', undefined],
    ]);
    expect(events[10]).toMatchObject({ redemptionId: first.id, subject: 'site-1', peer: '198.51.100.4' });
    expect(events[0]).toEqual({
      seq: 1,
      time: expect.any(String),
      kind: 'setting_changed',
      setting: 'service',
    });
    const end = '2031-03-04T05:07:07Z';
    expect(events[2]).toMatchObject({ jti: 'j3', uses: 2, subject: 'site-4', expirationTime: end });
    expect(events[1]).toMatchObject({
      name: 'c',
      redemptionsAllowed: 4,
      expirationTime: expect.any(String),
    });
    const csv = (await printed('-o', 'csv')).split('\r\n');
    expect(csv).toHaveLength(21);
    expect(csv[0]).toContain(',redemptionsAllowed,uses,expirationTime,setting,');
    expect(events[3]).toMatchObject({
      code: 'grant_revoked',
      subject: 'site-c',
      firstTime: expect.any(String),
    });
    expect(events[4]).toMatchObject({ subject: 'site-b', jti: 'j4' });
    expect(events[3]).not.toHaveProperty('jti');
    expect(events[7]).toMatchObject({ actor: 'oidc:4711', actorName: '=cmd|z' });
    expect(events[15]).not.toHaveProperty('actor');
    expect(csv[8]).toContain(",grant_revoked,oidc:4711,'=cmd|z,");
  });

  it('prints columns that fit a terminal, with what each entry is about', async () => {
    const lines = (await printed('--grant', B)).trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^\S+ +/, '').replace(/ {2,}/g, '|'))).toEqual([
      'KIND|GRANT|SUBJECT|BY|DETAIL',
      'refused|b|site-c|::1|grant_revoked, 2 times',
      'refused|b|site-b|::1|grant_revoked',
      'grant_revoked|b|-|oidc:4711 (=cmd|z)|-',
      'redeemed|b|site-3|192.0.2.7|-',
      'created|b|-|-|uses allowed: 9',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(100);
    expect((await printed('-o', 'wide')).split('\n')[0]).toMatch(
      /^TIME +KIND +GRANT +SUBJECT +BY +DETAIL +FROM +REDEMPTION +TOKEN +GRANT UID +NUMBER$/,
    );
    expect(await printed('-o', 'name', '--grant', B, '--kind', 'grant_revoked')).toBe(`${B}/3\n`);
  });

  it('filters by kind, actor, grant, subject and time', async () => {
    expect(await listed('--kind', 'refused')).toEqual(['refused b', 'refused b']);
    expect(await listed('--kind', 'redeemed', '--grant', 'a')).toEqual(['redeemed a', 'redeemed a']);
    for (const actor of ['oidc:4711', '4711', '=cmd|z', '=CMD|Z', 'oidc:*', '*z'])
      expect(await listed(`--actor=${actor}`), actor).toEqual(['grant_revoked b']);
    expect(await listed('--subject', 'Site-1')).toEqual([
      'replayed a',
      'replayed a',
      'renewed a',
      'redeemed a',
    ]);
    const at = (ms: number) => new Date(NOW + ms).toISOString();
    expect(await listed('--since', at(8), '--until', at(10))).toEqual(['grant_revoked b', 'revoked a']);
    expect(await listed('--until', '2031-03-04')).toEqual([]);
    expect(await printed('--until', '2031-03-04')).toBe('No entry matches.\n');
  });

  it('refuses a kind, a time and a grant that do not exist', async () => {
    const kind = expectRefusal(await ledger('list', '--kind', 'refusal'), 2);
    expect(kind.error).toContain('Allowed choices are created, changed,');
    expect(expectRefusal(await ledger('list', '--until', 'yesterday'), 2).error).toContain(
      '--until cannot be "yesterday"',
    );
    expect(expectRefusal(await ledger('list', '--grant', 'paris'), 1).error).toContain(
      'there is no grant "paris"',
    );
  });

  it('is also `redemption list --events`, which has no flags for the state of links', async () => {
    const words = ['redemption', 'list', '--events', '--data-dir', original];
    expect((await linkgrant([...words, '--grant', 'a'])).stdout).toBe(await printed('--grant', 'a'));
    expect(expectRefusal(await linkgrant([...words, '--overdue']), 2).error).toContain(
      "'--events' cannot be used",
    );
  });
});

it('ledger list, ledger verify and redemption list find a deleted grant by its name', async () => {
  const directory = copyOriginal('deleted');
  const on = (command: string) => linkgrant([...command.split(' '), '--data-dir', directory]);
  expect(await on('grant delete a')).toMatchObject({ code: 0 });
  const { stdout } = await on('ledger list --grant a -o json');
  const kinds = JSON.parse(stdout).map(({ grantUid, kind }: Record<string, string>) => `${grantUid} ${kind}`);
  expect(kinds).toContain(`${A} deleted`);
  expect(kinds).toContain(`${A} created`);
  expect(kinds.every((each: string) => each.startsWith(A))).toBe(true);
  expect((await on('redemption list --grant a')).stdout).toContain('site-1');
  expect(await on('ledger verify --grant a')).toMatchObject({ code: 0 });
  for (const name of ['z', ''])
    expectRefusal(await linkgrant(['ledger', 'list', '--grant', name, '--data-dir', directory]), 1);
  // The name of an existing grant is that of this grant.
  const store = await openSqliteStore({
    file: `${directory}/linkgrant.db`,
    migrate: false,
    clock: () => NOW + 30,
  });
  await storedGrant(store, { name: 'a' });
  await store.close();
  expect((await on('ledger list --grant a -o json')).stdout).not.toContain(A);
  expect(await on('grant delete a')).toMatchObject({ code: 0 });
  const { error, hint } = expectRefusal(await on('ledger list --grant a'), 2);
  expect(error).toBe('"a" was the name of 2 deleted grants');
  expect(hint).toContain(A);
});
