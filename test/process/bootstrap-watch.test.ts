import { X509Certificate } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Ended,
  json,
  linkgrant,
  type Running,
  type Serving,
  startLinkgrant,
  Workplace,
} from '../support/command-line.js';
import { releaseAfterTest } from '../support/release.js';
import { copySite, installFakeSkupper, RECORDED_SITES } from '../support/sites/system-site.js';
import { until as waitUntil } from '../support/until.js';

const ISSUER = join(RECORDED_SITES, 'west/runtime/issuers/skupper-site-ca');

let work: Workplace;
let service: Serving;
const watching: Running[] = [];

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  service = await serve();
});

afterEach(async () => {
  for (const watch of watching.splice(0)) {
    watch.child.kill();
    await watch.ended;
  }
});

function serve(...words: string[]): Promise<Serving> {
  return work.serve([
    ...['--data-dir', work.path('accepting'), '--endpoint', 'inter-router=vm:55671'],
    ...['--issuer-cert', join(ISSUER, 'tls.crt'), '--issuer-key', join(ISSUER, 'tls.key')],
    ...words,
  ]);
}

async function accepting(...words: string[]): Promise<Ended> {
  const ended = await linkgrant([...words, '--data-dir', work.path('accepting')]);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

/** Issues a token; certificates of its grant are valid for `lifetime` at most. */
async function issue(lifetime: string): Promise<string> {
  const token = work.path('token.yaml');
  await accepting('grant', 'create', 'west', '--certificate-lifetime', lifetime, '--token', token);
  return token;
}

/** Starts `bootstrap --watch` as a process, which runs until the test ends it. */
function watch(words: readonly string[], path = '/usr/bin:/bin'): Running {
  const fixed = ['bootstrap', '--watch', '--wait', 'configured', '--data-dir', work.path('requesting')];
  const watched = startLinkgrant([...fixed, ...words], { env: { PATH: path, HOME: work.directory } });
  watching.push(watched);
  return watched;
}

/** Resolves when `condition` holds; rejects if the program ends before. */
async function until({ ended }: Running, condition: () => boolean): Promise<void> {
  const early = ended.then(({ code, stderr }) =>
    Promise.reject(new Error(`linkgrant ended with ${code}: ${stderr}`)),
  );
  await Promise.race([waitUntil(condition), early]);
}

const renewalsOf = ({ said }: Running) => said.stderr.match(/^Renewed: west, /gm)?.length ?? 0;

function serialIn(file: string): string {
  const { data } = parse(readFileSync(file, 'utf8'));
  return new X509Certificate(Buffer.from(data['tls.crt'], 'base64')).serialNumber.toLowerCase();
}

describe('bootstrap --watch', () => {
  it('links, renews in time again and again, and exits with 0 at SIGTERM', async () => {
    const token = await issue('6s');
    const links = work.path('links');
    const watched = watch(['--token', token, '--to', links]);
    await until(watched, () => existsSync(join(links, 'Secret-west.yaml')));
    const first = serialIn(join(links, 'Secret-west.yaml'));
    await until(watched, () => renewalsOf(watched) >= 3);
    watched.child.kill();
    const ended = await watched.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^Linked: west, certificate valid until /);
    expect(serialIn(join(links, 'Secret-west.yaml'))).not.toBe(first);
    const redemptions = json(await accepting('redemption', 'list', '-o', 'json'));
    expect(redemptions).toHaveLength(1);
  });

  it('reloads a site after each renewal', async () => {
    const home = work.path('skupper');
    const east = copySite('east', home, 'east');
    const skupper = installFakeSkupper(work.path('bin'), east);
    const token = await issue('30s');
    const words = ['--token', token, '--platform', 'linux', '-n', 'east', '--skupper-home', home];
    const watched = watch(words, `${skupper.path}:/usr/bin:/bin`);
    await until(watched, () => renewalsOf(watched) >= 1 && skupper.calls().length >= 2);
    await until(
      watched,
      () =>
        serialIn(east.path('runtime/resources/Secret-west.yaml')) ===
        serialIn(east.path('input/resources/Secret-west.yaml')),
    );
    watched.child.kill();
    expect((await watched.ended).code).toBe(0);
  });

  it('continues after the service was down for a while', async () => {
    const token = await issue('20s');
    const watched = watch(['--token', token, '--to', work.path('links')]);
    await until(watched, () => renewalsOf(watched) === 1);
    await service.stop();
    await until(watched, () => watched.said.stderr.includes('Not renewed: west: '));
    service = await serve('--listen', `127.0.0.1:${service.port}`);
    const before = renewalsOf(watched);
    await until(watched, () => renewalsOf(watched) > before);
    watched.child.kill();
    expect((await watched.ended).code).toBe(0);
  });

  it('exits when its link is removed', async () => {
    const token = await issue('6s');
    const watched = watch(['--token', token, '--to', work.path('links')]);
    await until(watched, () => renewalsOf(watched) >= 1);
    rmSync(work.path('links', 'Link-west.yaml'));
    const ended = await watched.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('There are no links left.');
  });

  it('exits with 3 when another certificate has replaced its own', async () => {
    const token = await issue('30s');
    const links = work.path('links');
    const words = ['bootstrap', '--renew', '--wait', 'configured', '--token', token, '--to', links];
    const requesting = [...words, '--data-dir', work.path('requesting')];
    expect((await linkgrant(requesting)).code).toBe(0);
    const old = readFileSync(join(links, 'Secret-west.yaml'), 'utf8');
    const renew = ['link', 'renew', 'west', '--dir', links, '--data-dir', work.path('requesting')];
    expect((await linkgrant(renew)).code).toBe(0);
    const other = work.path('other');
    cpSync(links, other, { recursive: true });
    writeFileSync(join(other, 'Secret-west.yaml'), old);
    const watched = watch(['--token', token, '--to', other]);
    const ended = await watched.ended;
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('can no longer be renewed: A newer certificate has replaced this one.');
  });

  it('exits with 0 and a message when the existing link cannot be renewed', async () => {
    const token = await issue('30s');
    const links = work.path('links');
    const words = ['bootstrap', '--wait', 'configured', '--token', token, '--to', links];
    expect((await linkgrant([...words, '--data-dir', work.path('requesting')])).code).toBe(0);
    const secret = join(links, 'Secret-west.yaml');
    writeFileSync(secret, readFileSync(secret, 'utf8').replaceAll('linkgrant.dev/', 'example.com/'));
    const watched = watch(['--token', token, '--to', links]);
    const ended = await watched.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain('warning: no link can be renewed\n');
    expect(ended.stderr).toContain('has no renewal URL or CA');
  });
});

describe('bootstrap --renew', () => {
  it('renews a link that expired while the machine was off, with an exhausted token', async () => {
    const token = await issue('2s');
    const links = work.path('links');
    const words = ['bootstrap', '--renew', '--wait', 'configured', '--token', token, '--to', links];
    const requesting = [...words, '--data-dir', work.path('requesting')];
    expect((await linkgrant(requesting)).code).toBe(0);
    const first = serialIn(join(links, 'Secret-west.yaml'));
    await accepting('grant', 'update', 'west', '--certificate-lifetime', '1h');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const again = await linkgrant(requesting);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/^Already linked: west, certificate valid until /);
    expect(serialIn(join(links, 'Secret-west.yaml'))).not.toBe(first);
    expect(json(await accepting('redemption', 'list', '-o', 'json'))).toHaveLength(1);
  });
});
