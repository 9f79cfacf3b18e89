import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodeJoinLine, encodeJoinLine, type JoinLine } from '../../../src/codes/join-line.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantProcess,
  type RunOptions,
} from '../../support/command-line.js';

const { place, dataDir, run, report, issue, redeem } = await openAcceptingSite();

async function issueLine(...words: readonly string[]): Promise<string> {
  const { stdout } = expectSuccess(await run('token', 'issue', ...words));
  return stdout.trimEnd();
}

const join = (line: string, site: string, options?: RunOptions) =>
  linkgrant(
    ['join', line, '--to', place.path(site, 'links'), '--data-dir', place.path(site), '-o', 'json'],
    options,
  );

describe('join', () => {
  it('redeems the line that token issue prints, and again without another use', async () => {
    const line = await issueLine('--name', 'to-hub', '--link-cost', '3');
    expect(line).toMatch(/^lgj1_[0-9A-Za-z]+$/);
    const first = json(expectSuccess(await join(line, 'first')));
    expect(first).toMatchObject({ links: ['to-hub'], keyGeneratedBy: 'site', alreadyRedeemed: false });
    expect(readdirSync(place.path('first', 'links')).sort()).toEqual([
      'Link-to-hub.yaml',
      'Secret-to-hub.yaml',
    ]);
    expect(readFileSync(place.path('first', 'links', 'Link-to-hub.yaml'), 'utf8')).toContain('cost: 3');
    expect(json(await join(line, 'first'))).toMatchObject({ alreadyRedeemed: true, serial: first.serial });
    expect(await report('grant', 'show', 'to-hub')).toMatchObject({ redemptions: 1 });
  });

  it('reads the line from standard input, and token redeem reads it as an argument or in a file', async () => {
    const file = place.path('mail.txt');
    expectSuccess(await join('-', 'piped', { input: `${await issueLine()}\n` }));
    writeFileSync(file, `Hello,\n\n> ${await issueLine()}\n\nRegards\n`);
    for (const source of [file, await issueLine()]) expectSuccess(await redeem(source, 'other'));
  });

  it('trusts the CAs of the system for a service with a public certificate, and no other', async () => {
    const { metadata, spec } = parse(readFileSync(await issue('public'), 'utf8'));
    // The line pins no CA. NODE_EXTRA_CA_CERTS makes the CA of the service one that Node trusts, like a public CA.
    const line = encodeJoinLine({ ...spec, name: metadata.name, ca: undefined }) as string;
    const words = ['join', line, '--to', place.path('public'), '--data-dir', place.path('public')];
    const refused = expectRefusal(await linkgrantProcess(words), 3);
    expect(refused.error).toContain('does not come from a CA that Node trusts');
    const env = { NODE_EXTRA_CA_CERTS: `${dataDir}/issuers/linkgrant-server-ca/tls.crt` };
    expectSuccess(await linkgrantProcess(words, { env }));
    expect(json(await linkgrant(['token', 'inspect', line, '-o', 'json'])).ca).toEqual({ source: 'system' });
  });

  it.each([
    ['is not a join line', async () => 'kjh1-s3cret', 2],
    ['is a truncated join line', async () => (await issueLine()).slice(0, -5), 3],
  ])('refuses an argument that %s, and does not print it', async (_what, makeArgument, code) => {
    const argument = await makeArgument();
    const ended = await join(argument, 'refused');
    expect(ended.code).toBe(code);
    expect(ended.stderr).not.toContain(argument.slice('lgj1_'.length));
  });
});

describe('a join line', () => {
  it('token inspect prints a join line without its code, and checks it at the service', async () => {
    const line = await issueLine('--name', 'inspected');
    const ended = await linkgrant(['token', 'inspect', line, '--check', '-o', 'json']);
    expect(json(ended)).toMatchObject({
      name: 'inspected',
      ca: { sha256Prefix: expect.stringMatching(/^[0-9a-f]{32}$/) },
      check: { state: 'ready' },
    });
    expect(ended.code).toBe(0);
    expect(ended.stdout).not.toContain((decodeJoinLine(line) as JoinLine).code);
  });

  it.each([
    ['as an argument', (line: string) => [line]],
    ['on standard input', (line: string) => ['-', line]],
    [
      'in a file',
      (line: string) => {
        writeFileSync(place.path('boot.line'), line);
        return [place.path('boot.line')];
      },
    ],
  ])('bootstrap accepts a join line %s, and redeems it once', async (how, sourceOf) => {
    const name = how.replaceAll(' ', '-');
    const site = place.path(name);
    const [token = '', input = ''] = sourceOf(await issueLine('--name', name));
    const words = ['bootstrap', '--token', token, '--to', site, '--wait', 'configured', '--data-dir', site];
    for (const alreadyLinked of [false, true]) {
      const ended = expectSuccess(await linkgrant([...words, '-o', 'json'], { input }));
      expect(json(ended)).toMatchObject({ alreadyLinked, links: [{ name }] });
    }
  });
});
