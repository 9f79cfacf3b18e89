import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectRefusal, expectSuccess, linkgrant, linkgrantProcess } from '../support/command-line.js';
import { placeLink } from '../support/links/link-samples.js';
import { MAIN } from '../support/programs.js';
import { until } from '../support/until.js';

const { place, data, report, issue } = await openAcceptingSite();
const fullDevice = openSync('/dev/full', 'w');

/** Runs a command whose standard output is a full device, or a pipe whose reader has closed it. */
async function run(stdout: 'full' | 'unread', words: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...words], {
    stdio: ['ignore', stdout === 'full' ? fullDevice : 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', HOME: place.directory },
  });
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: '', stderr };
}

const wordsOf = (command: string, flags: readonly string[]) =>
  [...command.split(' '), ...flags].map((word) => (word === 'LINKS' ? place.path('listed') : word));

beforeAll(async () => {
  expectSuccess(await linkgrant(['grant', 'create', 'standing', '--redemptions-allowed', '9', ...data]));
  await placeLink(place.path('listed'));
  await placeLink(place.path('checked'));
});

const grants = async () =>
  (await report('grant', 'list')).map(({ name }: { name: string }) => name) as string[];

async function linksOf(name: string): Promise<{ revokedAt?: string }[]> {
  const redemptions: { name: string; revokedAt?: string }[] = await report('redemption', 'list');
  return redemptions.filter((redemption) => redemption.name === name);
}

describe('closed or full standard output', () => {
  it.each(['unread', 'full'] as const)(
    'link update and link delete reload the router if standard output is %s',
    async (stdout) => {
      const links = place.path(`links-${stdout}`);
      const log = place.path(`reloads-${stdout}`);
      await placeLink(links);
      const reload = ['--reload-command', `echo reloaded >> '${log}'`];
      for (const change of [
        ['update', 'to-west', '--cost', '9'],
        ['delete', 'to-west'],
      ]) {
        const { code } = await run(stdout, ['link', ...change, '--dir', links, ...data, ...reload]);
        expect(code).toBe(stdout === 'unread' ? 0 : 1);
      }
      expect(readFileSync(log, 'utf8')).toBe('reloaded\nreloaded\n');
    },
  );

  it.each([
    ['grant list', data],
    ['grant list -o json', data],
    ['grant list -o csv --sort-by name', data],
    ['grant list -o name --watch', data],
    ['grant show standing', data],
    ['link status --dir LINKS', []],
    ['link status --dir LINKS -o yaml --watch', []],
    ['config check', data],
    ['redemption list -o yaml', data],
    ['ledger verify', data],
    ['completion bash', []],
    ['version', []],
    ['grant list --help', []],
  ])('%s succeeds quietly if standard output is closed', async (command, flags) => {
    expect(await run('unread', wordsOf(command, flags))).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each([
    ['grant list -o json', data],
    ['grant list --watch -o yaml', data],
    ['completion bash', []],
  ])('%s succeeds quietly if its reader ends after the first line', async (command, flags) => {
    const program = [process.execPath, MAIN, ...wordsOf(command, flags)];
    const script = '"$@" | head -n 1; echo "code $PIPESTATUS"';
    const child = spawn('bash', ['-c', script, 'bash', ...program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '', HOME: place.directory },
    });
    const read = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (read.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (read.stderr += text));
    // The next change is what a watch writes into the closed pipe.
    if (command.includes('--watch')) {
      await until(() => read.stdout.includes('\n'));
      expectSuccess(await linkgrant(['grant', 'create', 'later', ...data]));
    }
    await once(child, 'close');
    expect(read.stdout).toMatch(/^.+\ncode 0\n$/);
    expect(read.stderr).toBe('');
  });

  it('doctor and link check end with the code of what they found, whether standard output is read or closed', async () => {
    for (const words of [
      ['doctor', '--data-dir', place.path('absent')],
      ['link', 'check', '--dir', place.path('checked')],
    ]) {
      const readToItsEnd = await linkgrantProcess(words, { env: { HOME: place.directory } });
      expect(readToItsEnd.code).toBeGreaterThan(0);
      const unread = await run('unread', words);
      expect(unread.code).toBe(readToItsEnd.code);
    }
  });

  it('token redeem --to - reports that the link was not read', async () => {
    const token = await issue('unread-link');
    const { error } = expectRefusal(await run('unread', ['token', 'redeem', token, '--to', '-', ...data]), 1);
    expect(error).toBe('standard output was closed before everything was read');
  });

  it('token issue --grant revokes a signed token that was not read', async () => {
    const words = ['token', 'issue', '--grant', 'standing', '--subject', 'east', ...data];
    const { error } = expectRefusal(await run('unread', words), 1);
    expect(error).toBe('standard output was closed before everything was read');
    const tokens: { subject?: string; state: string }[] = await report('token', 'list');
    expect(tokens.filter(({ subject }) => subject === 'east')).toMatchObject([{ state: 'revoked' }]);
  });

  it.each([
    ['grant', 'create', 'unread', ...data],
    ['token', 'issue', '-', '--name', 'unread', ...data],
  ])('%s %s leaves no grant if standard output is closed before its code is read', async (...words) => {
    const refusal = expectRefusal(await run('unread', words), 1);
    expect(refusal.error).toBe(
      'standard output was closed before the code of grant "unread" was read, so the grant was deleted',
    );
    expect(await grants()).not.toContain('unread');
  });

  it.each([
    ['unread', 'standard output was closed before the link was read, so it was revoked'],
    ['full', 'standard output cannot be written (ENOSPC)'],
  ] as const)('link generate revokes its link if standard output is %s', async (stdout, error) => {
    const refusal = expectRefusal(await run(stdout, ['link', 'generate', stdout, ...data]), 1);
    expect(refusal.error).toBe(error);
    expect(await linksOf(stdout)).toMatchObject([{ revokedAt: expect.any(String) }]);
  });

  it.each([
    ['grant list', data],
    ['version', []],
    ['grant create full', data],
    ['grant create full -o json', data],
    ['token issue - --name full', data],
  ])('%s reports a full standard output, and leaves no grant', async (command, flags) => {
    const refusal = expectRefusal(await run('full', [...command.split(' '), ...flags]), 1);
    expect(refusal.error).toBe('standard output cannot be written (ENOSPC)');
    expect(await grants()).not.toContain('full');
  });
});
