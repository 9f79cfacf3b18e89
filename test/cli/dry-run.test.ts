import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectRefusal, expectSuccess, json, linkgrant, refusalOf } from '../support/command-line.js';

const NOTE = 'Dry run: nothing is changed. Without --dry-run the result is:\n';
const { place, data, service } = await openAcceptingSite();
const requesting = ['--data-dir', place.path('requesting')];
const links = ['--dir', place.path('links'), ...requesting];
let token: string;
let redemption: string;

const succeed = async (words: readonly string[]) => expectSuccess(await linkgrant(words));

beforeAll(async () => {
  await succeed(['grant', 'create', 'fleet', '--redemptions-allowed', '9', '--label', 'team=a', ...data]);
  await succeed([
    ...['token', 'issue', place.path('token'), '--grant', 'fleet', '--redemptions-allowed', '2'],
    ...data,
  ]);
  await succeed(['token', 'redeem', place.path('token'), '--to', place.path('links'), ...requesting]);
  for (const step of ['prepare', 'activate']) await succeed(['issuer', step, 'skupper-site-ca', ...data]);
  token = (await succeed(['token', 'list', '-o', 'name', ...data])).stdout.trim();
  redemption = (await succeed(['redemption', 'list', '-o', 'name', ...data])).stdout.trim();
});

/** Everything that the store reports: its grants, tokens, redemptions and ledger. */
async function contents(): Promise<string> {
  const lists = ['grant list -A', 'token list -A', 'redemption list', 'ledger list', 'issuer list'];
  const ended = await Promise.all(lists.map((list) => succeed([...list.split(' '), '-o', 'json', ...data])));
  return ended.map(({ stdout }) => stdout).join('\n');
}

/** The commands with a dry run, each with its expected output: fields of a resource, or a pattern. */
const COMMANDS: readonly [name: string, words: () => readonly string[], expected: object | RegExp][] = [
  [
    'grant create',
    () => ['grant', 'create', 'branch', '--expiration-window', '1h', '-o', 'json'],
    { name: 'branch', state: 'ready', expirationWindow: '1h' },
  ],
  [
    'grant update',
    () => ['grant', 'update', 'fleet', '--redemptions-allowed', '5', '--label', 'team-', '-o', 'json'],
    { name: 'fleet', redemptionsAllowed: 5, labels: {} },
  ],
  [
    'grant revoke',
    () => ['grant', 'revoke', 'fleet', '--cascade'],
    /^Grant "fleet" is revoked.*\n1 link also revoked/,
  ],
  ['grant delete', () => ['grant', 'delete', 'fleet'], /^Grant "fleet" is deleted/],
  [
    'token revoke',
    () => ['token', 'revoke', token, '--grant', 'fleet'],
    /^Token \w+ of grant "fleet" is revoked/,
  ],
  [
    'redemption update',
    () => ['redemption', 'update', redemption, '--note', 'first site', '-o', 'json'],
    { note: 'first site' },
  ],
  [
    'redemption revoke',
    () => ['redemption', 'revoke', redemption, '--with-token'],
    /^Redemption \S+, subject \S+, is revoked.\n(?:.*\n)*Token \w+ of grant "fleet" is revoked too/,
  ],
  [
    'redemption revoke --cut',
    () => ['redemption', 'revoke', redemption, '--with-token', '--cut'],
    /^Redemption \S+, subject \S+, is revoked.\n(?:.*\n)*Step 1 of 6(?:.*\n)*Step 6 of 6/,
  ],
  [
    'issuer retire',
    () => ['issuer', 'retire', 'skupper-site-ca', '--force'],
    /^Retired: .*; 1 link of it cannot connect/,
  ],
];

describe.each(COMMANDS)('%s --dry-run', (_name, words, expected) => {
  it('prints the result, and changes nothing in the store', async () => {
    const before = await contents();
    const ended = await succeed([...words(), '--dry-run', ...data]);
    expect(ended.stderr).toBe(NOTE);
    if (expected instanceof RegExp) expect(ended.stdout).toMatch(expected);
    else expect(json(ended)).toMatchObject(expected);
    expect(await contents()).toBe(before);
  });
});

describe('token issue --dry-run', () => {
  it.each([
    ['a new grant', [], /^Name: +west\n/m],
    ['a signed token', ['--grant', 'fleet'], /^Can be redeemed once, until /m],
    ['several signed tokens', ['--grant', 'fleet', '--count', '3'], /^Can be redeemed once, until /m],
  ])('prints the limits of %s, and neither writes nor records a token', async (_what, words, expected) => {
    const before = await contents();
    const file = place.path('new-token');
    const issue = ['token', 'issue', file, '--name', 'west', ...words, '--dry-run', ...data];
    const { stdout, stderr } = await succeed(issue);
    expect(stdout + stderr).toMatch(expected);
    expect(stdout + stderr).not.toMatch(/lgj1_|code/);
    expect(existsSync(file)).toBe(false);
    expect(await contents()).toBe(before);
  });

  it.each([
    ['token issue', (file: string) => ['token', 'issue', file]],
    ['token issue --grant', (file: string) => ['token', 'issue', file, '--grant', 'fleet']],
    ['token issue --count', (file: string) => ['token', 'issue', file, '--grant', 'fleet', '--count', '2']],
    ['grant create --token', (file: string) => ['grant', 'create', 'unwritten', '--token', file]],
  ])('%s fails with the error of the command if the token cannot be written', async (_name, wordsFor) => {
    writeFileSync(place.path('text'), 'text of a user');
    for (const file of [place.path('text'), place.path('absent/token')]) {
      const before = await contents();
      const preview = await linkgrant([...wordsFor(file), '--dry-run', ...data]);
      expect(await contents()).toBe(before);
      const real = await linkgrant([...wordsFor(file), ...data]);
      expect(expectRefusal(real, 1).error).toContain('cannot be written: ');
      expect({ ...preview, stderr: preview.stderr.replace(NOTE, '') }).toEqual(real);
    }
  });
});

describe('--dry-run', () => {
  it.each([
    [
      ['grant', 'create', 'fleet'],
      'the grant was not created: there is already a grant "fleet" in namespace "default"',
    ],
    [['grant', 'delete', 'absent'], 'there is no grant "absent" in namespace "default"'],
    [['grant', 'update', 'fleet', '--redemptions-allowed', '0'], '--redemptions-allowed cannot be "0"'],
    [
      ['token', 'issue', '--grant', 'fleet', '--redemptions-allowed', '10'],
      'the token was not issued: grant "fleet" can be redeemed 9 times in all, so a token cannot allow more',
    ],
  ])('--dry-run fails with the error of the command: %j', async (words, error) => {
    const preview = await linkgrant([...words, '--dry-run', ...data]);
    const real = await linkgrant([...words, ...data]);
    expect(preview.code).toBe(real.code);
    expect(refusalOf(real).error).toBe(error);
    expect(preview.stderr.replace(NOTE, '')).toBe(real.stderr);
  });

  it('--dry-run is refused with --server', async () => {
    const remote = ['--server', 'https://127.0.0.1:1'];
    const ended = await linkgrant(['grant', 'delete', 'fleet', '--dry-run', ...remote]);
    expect(refusalOf(ended)).toEqual({
      error: '--dry-run cannot be combined with --server',
      hint: 'run the command on the host of the service, without --server',
    });
  });
});

describe('a dry run on links', () => {
  const files = () =>
    ['Link', 'Secret'].map((kind) => readFileSync(join(place.path('links'), `${kind}-fleet.yaml`), 'utf8'));

  it.each([
    [['link', 'update', 'fleet', '--cost', '7'], /^Updated link "fleet" in .*Link-fleet.yaml\n$/],
    [['link', 'delete', 'fleet'], /^Deleted .*Link-fleet.yaml\nDeleted .*Secret-fleet.yaml\nThe stored key/],
  ])('prints the result of %j and changes no file', async (words, expected) => {
    const before = files();
    const ended = await succeed([...words, '--dry-run', ...links]);
    expect(ended.stderr).toBe(NOTE);
    expect(ended.stdout).toMatch(expected);
    expect(files()).toEqual(before);
    // The stored key remains: a repeated redemption returns the same link.
    const again = ['token', 'redeem', place.path('token'), '--to', place.path('links'), ...requesting];
    expect((await succeed(again)).stdout).toContain('The token was already redeemed');
  });

  it('link delete --dry-run reports no deletion of a key and response that are not stored', async () => {
    const elsewhere = ['--dir', place.path('links'), '--data-dir', place.path('elsewhere')];
    const { stdout } = await succeed(['link', 'delete', 'fleet', '--dry-run', ...elsewhere]);
    expect(stdout).toMatch(/^Deleted .*Secret-fleet.yaml$/m);
    expect(stdout).not.toContain('stored key');
  });
});

describe('token redeem --dry-run', () => {
  const preview = (...words: readonly string[]) =>
    linkgrant([
      ...['token', 'redeem', place.path('token'), '--dry-run', '--data-dir', place.path('other')],
      ...words,
    ]);

  it('checks the token, the service and the target, and spends no use', async () => {
    const before = await contents();
    const { code, stdout, stderr } = await preview('--to', place.path('other-links'));
    expect(code, stdout).toBe(0);
    expect(stderr).toBe('Dry run: no use is spent and nothing is written. The checks of this redemption:\n');
    expect(stdout).toMatch(/grant +ready, 1 of 2 uses spent/);
    expect(existsSync(place.path('other-links'))).toBe(false);
    expect(existsSync(place.path('other'))).toBe(false);
    expect(await contents()).toBe(before);
  });

  it('warns once of an unknown variable', async () => {
    const words = ['token', 'redeem', place.path('token'), '--dry-run', '--to', place.path('other-links')];
    const env = { LINKGRANT_LISTN: 'x' };
    const { stderr } = await linkgrant([...words, '--data-dir', place.path('other')], { env });
    expect(stderr.match(/LINKGRANT_LISTN is unknown/g)).toHaveLength(1);
  });

  it('fails with the exit code of the redemption if the service does not answer', async () => {
    await service.stop();
    const { code, stderr } = await preview('--to', place.path('other-links'));
    expect(code).toBe(4);
    expect(stderr).toContain('checks failed');
    const real = ['token', 'redeem', place.path('token'), '--to', place.path('other-links')];
    expect((await linkgrant([...real, '--data-dir', place.path('other')])).code).toBe(4);
  });
});
