import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../support/accepting-site.js';
import { expectRefusal } from '../support/command-line.js';
import { placeLink } from '../support/links/link-samples.js';
import { MAIN } from '../support/programs.js';

const { place, data, report } = await openAcceptingSite();
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
        expect(code).toBe(1);
      }
      expect(readFileSync(log, 'utf8')).toBe('reloaded\nreloaded\n');
    },
  );

  it.each([
    ['grant list', data],
    ['grant list -o json', data],
    ['config check', data],
    ['redemption list -o yaml', data],
    ['completion bash', []],
    ['version', []],
  ])('%s ends quietly if standard output is closed', async (command, flags) => {
    const words = [...command.split(' '), ...flags];
    expect(await run('unread', words)).toEqual({ code: 1, stdout: '', stderr: '' });
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
