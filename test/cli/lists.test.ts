import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { type Ended, expectSuccess, linkgrant, refusalOf } from '../support/command-line.js';
import { MAIN } from '../support/programs.js';

const { place, data, run, issue, redeem } = await openAcceptingSite();

const succeed = async (command: Promise<Ended>) => expectSuccess(await command);

await succeed(run('grant', 'create', 'fleet', '--redemptions-allowed', '12', '--label', 'team=a'));
await succeed(run('grant', 'create', 'branch', '--note', 'of the branch, "north"'));
await succeed(run('grant', 'revoke', 'branch'));
for (const subject of ['east', 'west']) {
  const token = await issue(subject, '--grant', 'fleet', '--subject', subject);
  await succeed(redeem(token, 'requesting', '--to', place.path('links'), '--subject', subject));
}

/** The lists, as the arguments of a command. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  grant: ['grant', 'list', '--sort-by', 'name'],
  token: ['token', 'list', '--sort-by', 'subject'],
  redemption: ['redemption', 'list', '--sort-by', 'subject'],
  event: ['ledger', 'list', '--grant', 'fleet'],
  link: ['link', 'status', '--dir', place.path('links'), '--sort-by', 'name'],
  issuer: ['issuer', 'list', '--sort-by', 'issuer'],
};

const FORMATS: Readonly<Record<string, readonly string[]>> = {
  columns: [],
  wide: ['-o', 'wide'],
  name: ['-o', 'name'],
  json: ['-o', 'json'],
  csv: ['-o', 'csv'],
};

const ACTOR = `local:${userInfo().username}`;

/** Replaces the user who runs the tests by root, also in the width of the column BY. */
function asRoot(text: string): string {
  const padded = (cell: string, width = ACTOR.length) => `  ${cell.padEnd(width)}  `;
  return text
    .replaceAll(padded('BY'), padded('BY', 10))
    .replaceAll(padded('127.0.0.1'), padded('127.0.0.1', 10))
    .replaceAll(padded(ACTOR), padded('local:root', 10))
    .replaceAll(ACTOR, 'local:root');
}

/** Replaces what differs from run to run by a text of the same length. */
function stable(text: string): string {
  return asRoot(text)
    .replaceAll(place.directory, '/tmp/linkgrant-cli-XXXXXX')
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '00000000-0000-4000-8000-000000000000')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '2031-03-04T05:06:07Z')
    .replace(/\b[0-9a-f]{16,}\b/g, (hex) => 'a'.repeat(hex.length))
    .replaceAll('\r\n', '\n');
}

describe.each(Object.keys(LISTS))('%s list', (kind) => {
  it.each(Object.keys(FORMATS))('prints the format %s', async (format) => {
    const ended = await succeed(run(...(LISTS[kind] ?? []), ...(FORMATS[format] ?? [])));
    expect(ended.stderr).toBe('');
    await expect(stable(ended.stdout)).toMatchFileSnapshot(`lists/${kind}-${format}.txt`);
  });
});

describe('a list', () => {
  it.each(Object.values(LISTS))('%s %s warns once of an unknown variable', async (...words) => {
    const ended = await linkgrant([...words, ...data], { env: { LINKGRANT_LISTN: 'x' } });
    expect(ended.stderr).toBe('warning: the variable LINKGRANT_LISTN is unknown and has no effect\n');
  });

  it.each([
    [['-o', 'table'], '--output cannot be "table"', 'use wide, name, json, yaml or csv'],
    [
      ['--sort-by', 'size'],
      '--sort-by cannot be "size"',
      'use name, state, redemptions, expiration, uid, reason, namespace, issuer, created, labels, note',
    ],
  ])('refuses %j', async (words, error, hint) => {
    const ended = await run('grant', 'list', ...words);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(refusalOf(ended)).toEqual({ error, hint });
  });

  it('colours states with CLICOLOR_FORCE, without moving the columns; not in a pipe or with NO_COLOR', async () => {
    const list = (env: Readonly<Record<string, string>>) => linkgrant(['grant', 'list', ...data], { env });
    const plain = (await list({})).stdout;
    expect((await list({ CLICOLOR_FORCE: '1', NO_COLOR: '1' })).stdout).toBe(plain);
    const coloured = (await list({ CLICOLOR_FORCE: '1' })).stdout;
    expect(coloured).toContain('\u001b[32mready\u001b[39m ');
    expect(coloured).toContain('\u001b[31mrevoked\u001b[39m ');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are control characters.
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  it('colours states on a terminal', () => {
    const words = [process.execPath, MAIN, 'grant', 'list', ...data];
    const script = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))';
    const env = { PATH: process.env.PATH, HOME: place.directory, TERM: 'xterm' };
    const ended = spawnSync('python3', ['-c', script, ...words], { env, encoding: 'utf8' });
    expect(ended.stdout).toContain('\u001b[32mready\u001b[39m ');
  });
});
