import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantProcess,
} from '../../support/command-line.js';
import { copySite, installFakeSkupper } from '../../support/sites/system-site.js';
import { BootstrapPlace, serialIn, siteFlags } from './bootstrap-place.js';

const at = new BootstrapPlace();

describe('bootstrap when everything is available', () => {
  it('redeems a token file, checks the link at the router, and does nothing in the next run', async () => {
    const service = await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    const first = expectSuccess(await at.bootstrap(['--token', token, ...at.toLinks(), '-o', 'json']));
    expect(json(first)).toMatchObject({ alreadyLinked: false, links: [{ name: 'west' }] });
    expect(at.router.peers).toEqual(['west']);
    expect(at.router.serverNames).toEqual(['vm']);
    await service.stop();
    await at.router.close();
    const second = expectSuccess(await at.bootstrap(['--token', token, ...at.toLinks()]));
    expect(second.stdout).toMatch(/^Already linked: west, certificate valid until /);
    rmSync(token);
    const third = expectSuccess(await at.bootstrap(['--token', token, ...at.toLinks()]));
    expect(third.stdout).toMatch(/^Already linked: west/);
    await at.restartRouter();
    expect(await at.redemptions()).toHaveLength(1);
  });

  it('reads the token from standard input, from the file that a variable names, or from a mounted Secret', async () => {
    await at.serve();
    const text = readFileSync(await at.issue(at.path('token.yaml')), 'utf8');
    expectSuccess(await at.bootstrap(['--token', '-', '--to', at.path('a')], { input: text }));
    const env = { LINKGRANT_TOKEN_FILE: at.path('token.yaml') };
    const named = expectSuccess(await at.bootstrap(['--to', at.path('b')], { env }));
    expect(named.stderr).toMatch(/^Written .*Secret-west.yaml\nWritten .*Link-west.yaml\n$/);
    const { spec } = parse(text);
    const mounted = at.path('west');
    mkdirSync(mounted);
    for (const key of ['url', 'code', 'ca']) writeFileSync(join(mounted, key), `${spec[key]}\n`);
    expectSuccess(await at.bootstrap(['--token', mounted, '--to', at.path('c')]));
    // One token, so one certificate, wherever it was read.
    expect(new Set(['a', 'b', 'c'].map((name) => serialIn(at.path(name)))).size).toBe(1);
    expect(await at.redemptions()).toHaveLength(1);
  });

  it('spends one use and writes one Link if twenty concurrent runs redeem a single-use token', async () => {
    const home = at.path('skupper');
    const east = copySite('east', home);
    const skupper = installFakeSkupper(at.path('bin'), east);
    const before = east.inputNames();
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    const env = { PATH: `${skupper.path}:/usr/bin:/bin` };
    const words = ['--token', token, ...siteFlags(home)];
    const ends = await Promise.all(
      Array.from({ length: 20 }, () => at.bootstrap(words, { env }, linkgrantProcess)),
    );
    expect(ends.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual(Array(20).fill(0));
    const added = east.inputNames().filter((name) => !before.includes(name));
    expect(added).toEqual(['Link-west.yaml', 'Secret-west.yaml']);
    expect(await at.redemptions()).toHaveLength(1);
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it('redeems the tokens of the input directory if no token is given', async () => {
    const home = at.path('skupper');
    const east = copySite('east', home);
    for (const name of ['Link-to-west.yaml', 'Secret-to-west.yaml'])
      rmSync(east.path('input/resources', name));
    await at.serve();
    const token = await at.issue(east.path('input/resources/AccessToken-west.yaml'));
    const ended = expectSuccess(await at.bootstrap([...siteFlags(home), '--reload-command', ':']));
    expect(ended.stdout).toMatch(/^Linked: west,/);
    expect(existsSync(token)).toBe(false);
    const again = expectSuccess(await at.bootstrap([...siteFlags(home), '--reload-command', 'false']));
    expect(again.stdout).toMatch(/^Already linked: west,/);
    expect(await at.redemptions()).toHaveLength(1);
  });

  it('exits with 2 without --to, without a token, and with --to -', async () => {
    const nowhere = expectRefusal(await at.bootstrap(['--token', 'x']), 2);
    expect(nowhere.error).toBe('no target for the link is given');
    const without = expectRefusal(await at.bootstrap(at.toLinks()), 2);
    expect(without.hint).toContain('LINKGRANT_TOKEN_FILE');
    const stream = await at.bootstrap(['--token', 'x', '--to', '-']);
    expect(stream.code).toBe(2);
  });
});

describe('bootstrap after a permanent refusal', () => {
  it('exits with 3 at once and prints what the operator of the accepting site can do', async () => {
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    expectSuccess(await at.accepting('grant', 'revoke', 'west'));
    const words = ['--token', token, ...at.toLinks()];
    const refused = expectRefusal(await at.bootstrap(words), 3);
    expect(refused.hint).toContain('on the accepting site, `linkgrant grant show` shows why');
    const allowed = expectSuccess(await at.bootstrap([...words, '--continue-without-link']));
    expect(allowed.stderr).toContain('warning: continuing without a working link: ');
  });

  it('exits with 3 if the file stays an invalid token', async () => {
    writeFileSync(at.path('token.yaml'), 'kind: Secret\n');
    const ended = await at.bootstrap(['--token', at.path('token.yaml'), ...at.toLinks()]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(
      'error: The token file cannot be used: its kind is Secret, not AccessToken.',
    );
    expect(ended.stderr).not.toContain('grant show');
  });

  it('exits with 1, and spends no use, if a Link that linkgrant did not write exists', async () => {
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    mkdirSync(at.path('links'));
    writeFileSync(at.path('links', 'Link-west.yaml'), 'kind: Link\n');
    const words = ['--token', token, ...at.toLinks()];
    const refused = expectRefusal(await at.bootstrap(words), 1);
    expect(refused.hint).toContain('move the existing resource away');
    const allowed = expectSuccess(await at.bootstrap([...words, '--continue-without-link']));
    expect(allowed.stderr).toContain('warning: continuing without a working link: ');
    expect(await at.redemptions()).toEqual([]);
  });

  it('exits with 1, and spends no use, if the existing link is of another token', async () => {
    await at.serve();
    expectSuccess(await at.bootstrap(['--token', await at.issue(at.path('token.yaml')), ...at.toLinks()]));
    const file = await at.issue(at.path('other.yaml'), '--name', 'other');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/name: "?other"?/, 'name: west'));
    const other = await at.bootstrap(['--token', file, ...at.toLinks()]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('Secret-west.yaml already exists and belongs to another redemption');
    expect(await at.redemptions()).toHaveLength(1);
  });
});

describe('bootstrap after token redeem', () => {
  const redeem = (...words: string[]) =>
    linkgrant(['token', 'redeem', ...words, ...at.toLinks(), '--data-dir', at.path('requesting')]);

  it('checks the link under its existing name', async () => {
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    expectSuccess(await redeem(token, '--name', 'aaa'));
    await at.router.close();
    const down = await at.stderrAtDeadline('--token', token, ...at.toLinks(), '--deadline', '5s');
    expect(down).toContain('link "aaa" is written but does not connect: ');
    await at.restartRouter();
    const words = ['--token', token, ...at.toLinks()];
    expect(expectSuccess(await at.bootstrap(words)).stdout).toMatch(/^Already linked: aaa,/);
    const named = expectRefusal(await at.bootstrap([...words, '--name', 'bbb']), 2);
    expect(named.error).toContain('redeemed before under the name "aaa"');
  });

  it('reports the existing link after the token is deleted', async () => {
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    expectSuccess(await redeem(token));
    rmSync(token);
    const { stdout } = expectSuccess(await at.bootstrap(['--token', token, ...at.toLinks()]));
    expect(stdout).toMatch(/^Already linked: west,/);
  });
});
