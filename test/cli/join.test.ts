import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, linkgrant, type RunOptions, refusalOf, Workplace } from '../support/command-line.js';

const place = new Workplace();
const dataDir = place.path('accepting');

beforeAll(async () => {
  await place.serve(['--data-dir', dataDir, '--endpoint', 'inter-router=router.example.com:55671']);
});
afterAll(() => place.remove());

const issue = (...words: readonly string[]) => linkgrant(['token', 'issue', ...words, '--data-dir', dataDir]);

async function issueLine(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await issue(...words);
  expect(code, stderr).toBe(0);
  return stdout.trimEnd();
}

const join = (line: string, site: string, options?: RunOptions) =>
  linkgrant(
    ['join', line, '--to', place.path(site, 'links'), '--data-dir', place.path(site), '-o', 'json'],
    options,
  );

const uses = async (name: string): Promise<number> =>
  json(await linkgrant(['grant', 'show', name, '-o', 'json', '--data-dir', dataDir])).redemptions;

describe('join', () => {
  it('redeems the line that token issue prints, and again without another use', async () => {
    const line = await issueLine('--name', 'to-hub', '--link-cost', '3');
    expect(line).toMatch(/^lgj1_[0-9A-Za-z]+$/);
    const ended = await join(line, 'first');
    expect(ended.code, ended.stderr).toBe(0);
    expect(json(ended)).toMatchObject({ links: ['to-hub'], keyGeneratedBy: 'site', alreadyRedeemed: false });
    expect(readdirSync(place.path('first', 'links')).sort()).toEqual([
      'Link-to-hub.yaml',
      'Secret-to-hub.yaml',
    ]);
    expect(readFileSync(place.path('first', 'links', 'Link-to-hub.yaml'), 'utf8')).toContain('cost: 3');
    expect(json(await join(line, 'first'))).toMatchObject({ alreadyRedeemed: true });
    expect(await uses('to-hub')).toBe(1);
  });

  it('reads the line from standard input, and token redeem reads it as an argument or in a file', async () => {
    const file = place.path('mail.txt');
    const piped = await join('-', 'piped', { input: `${await issueLine()}\n` });
    expect(piped.code, piped.stderr).toBe(0);
    writeFileSync(file, `Hello,\n\n> ${await issueLine()}\n\nRegards\n`);
    for (const source of [file, await issueLine()]) {
      const ended = await linkgrant([
        'token',
        'redeem',
        source,
        '--to',
        place.path('other'),
        '--data-dir',
        place.path('other'),
      ]);
      expect(ended.code, ended.stderr).toBe(0);
    }
  });

  it('refuses a line that was cut off before it connects, and does not repeat it', async () => {
    const line = (await issueLine()).slice(0, -5);
    const ended = await join(line, 'cut');
    expect(ended.code).toBe(3);
    expect(refusalOf(ended).error).toMatch(/cut off: it has \d+ of \d+ characters/);
    expect(ended.stderr).not.toContain(line);
  });
});
