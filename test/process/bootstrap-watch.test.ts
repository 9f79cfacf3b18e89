import { X509Certificate } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { directoryLock } from '../../src/platforms/files/directory-lock.js';
import {
  type Ended,
  expectSuccess,
  json,
  linkgrant,
  type Running,
  type Serving,
  startLinkgrant,
  Workplace,
} from '../support/command-line.js';
import { releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { copySite, installFakeSkupper, WEST_SITE_FLAGS } from '../support/sites/system-site.js';
import { until as waitUntil } from '../support/until.js';

let work: Workplace;
let service: Serving;

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  service = await serve();
});

function serve(...words: string[]): Promise<Serving> {
  return work.serve(['--data-dir', work.path('accepting'), ...WEST_SITE_FLAGS, ...words]);
}

async function accepting(...words: string[]): Promise<Ended> {
  return expectSuccess(await linkgrant([...words, '--data-dir', work.path('accepting')]));
}

/** Issues a token; certificates of its grant are valid for `lifetime` at most. */
async function issue(lifetime: string): Promise<string> {
  const token = work.path('token.yaml');
  await accepting('grant', 'create', 'west', '--certificate-lifetime', lifetime, '--token', token);
  return token;
}

/** The arguments of a `bootstrap` that ends when the link is written to `links`. */
const linking = (token: string, links: string, ...words: readonly string[]) => [
  ...['bootstrap', '--wait', 'configured', '--data-dir', work.path('requesting')],
  ...['--token', token, '--to', links, ...words],
];

/** Starts `bootstrap --watch` as a process, which ends after the test at the latest. */
function watch(words: readonly string[], path = '/usr/bin:/bin'): Running {
  const fixed = ['bootstrap', '--watch', '--wait', 'configured', '--data-dir', work.path('requesting')];
  const watched = startLinkgrant([...fixed, ...words], { env: { PATH: path, HOME: work.directory } });
  releaseAfterTest({
    stop: () => {
      watched.child.kill();
      return watched.ended;
    },
  });
  return watched;
}

/** Resolves when `condition` holds; rejects if the program ends before. */
async function until({ ended }: Running, condition: () => boolean): Promise<void> {
  const early = ended.then(({ code, stderr }) =>
    Promise.reject(new Error(`linkgrant ended with ${code}: ${stderr}`)),
  );
  await Promise.race([waitUntil(condition), early]);
}

/** Starts the service on its earlier port, once no other process uses that. */
async function serveAgain(): Promise<void> {
  const listen = ['--listen', `127.0.0.1:${service.port}`];
  service = await retryUntil('the earlier port', () => serve(...listen));
}

const renewalsOf = ({ said }: Running) => said.stderr.match(/^Renewed: west, /gm)?.length ?? 0;

function certificateIn(file: string): X509Certificate {
  const { data } = parse(readFileSync(file, 'utf8'));
  return new X509Certificate(Buffer.from(data['tls.crt'], 'base64'));
}

const serialIn = (file: string) => certificateIn(file).serialNumber.toLowerCase();

describe('bootstrap --watch', () => {
  it('redeems the token once, renews the link repeatedly, and exits with 0 at SIGTERM', async () => {
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
    const east = copySite('east', home);
    const skupper = installFakeSkupper(work.path('bin'), east);
    const token = await issue('30s');
    const words = ['--token', token, '--platform', 'linux', '-n', 'east', '--skupper-home', home];
    const watched = watch(words, `${skupper.path}:/usr/bin:/bin`);
    await until(watched, () => renewalsOf(watched) >= 1 && skupper.calls().length >= 2);
    const serialOf = (directory: string) => serialIn(east.path(directory, 'resources/Secret-west.yaml'));
    const isLoaded = () => {
      try {
        return serialOf('runtime') === serialOf('input');
      } catch {
        // During a reload the file in `runtime` is absent or incomplete.
        return false;
      }
    };
    await until(watched, isLoaded);
    watched.child.kill();
    expect((await watched.ended).code).toBe(0);
  });

  it('continues after the service was down for a while', async () => {
    const token = await issue('20s');
    const watched = watch(['--token', token, '--to', work.path('links')]);
    await until(watched, () => renewalsOf(watched) === 1);
    await service.stop();
    await until(watched, () => watched.said.stderr.includes('Not renewed: west: '));
    await serveAgain();
    const before = renewalsOf(watched);
    await until(watched, () => renewalsOf(watched) > before);
    watched.child.kill();
    expect((await watched.ended).code).toBe(0);
  });

  it('continues after another command held the lock of the links for a while', async () => {
    const token = await issue('20s');
    const watched = watch(['--token', token, '--to', work.path('links')]);
    await until(watched, () => renewalsOf(watched) === 1);
    const [id = ''] = readdirSync(work.path('requesting/reloads'));
    await directoryLock(work.path('requesting/reloads', id))(async () => {
      // While the service is down no renewal is stored, so `bootstrap --watch` requests the lock only for the reload.
      await service.stop();
      await until(watched, () => watched.said.stderr.includes('Another linkgrant process has locked'));
    });
    await serveAgain();
    await until(watched, () => renewalsOf(watched) > 1);
    watched.child.kill();
    expect((await watched.ended).code).toBe(0);
  });

  it('continues after its links could not be listed for a while', async () => {
    const token = await issue('20s');
    const links = work.path('links');
    const watched = watch(['--token', token, '--to', links]);
    await until(watched, () => renewalsOf(watched) === 1);
    renameSync(links, work.path('elsewhere'));
    writeFileSync(links, '');
    await until(watched, () => /^warning: .* cannot be read/m.test(watched.said.stderr));
    rmSync(links);
    renameSync(work.path('elsewhere'), links);
    await until(watched, () => renewalsOf(watched) > 1);
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

  it('exits with 3 when a newer certificate has replaced its own', async () => {
    const token = await issue('30s');
    const links = work.path('links');
    expectSuccess(await linkgrant(linking(token, links, '--renew')));
    const old = readFileSync(join(links, 'Secret-west.yaml'), 'utf8');
    const renew = ['link', 'renew', 'west', '--dir', links, '--data-dir', work.path('requesting')];
    expectSuccess(await linkgrant(renew));
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
    expectSuccess(await linkgrant(linking(token, links)));
    const secret = join(links, 'Secret-west.yaml');
    writeFileSync(secret, readFileSync(secret, 'utf8').replaceAll('linkgrant.dev/', 'example.com/'));
    const watched = watch(['--token', token, '--to', links]);
    const ended = expectSuccess(await watched.ended);
    expect(ended.stderr).toContain('warning: no link can be renewed\n');
    expect(ended.stderr).toContain('has no renewal URL or CA');
  });
});

describe('bootstrap --renew', () => {
  it('renews a link that expired while the machine was off, although the token is exhausted', async () => {
    const token = await issue('8s');
    const links = work.path('links');
    const words = linking(token, links, '--renew');
    expectSuccess(await linkgrant(words));
    const first = certificateIn(join(links, 'Secret-west.yaml'));
    await accepting('grant', 'update', 'west', '--certificate-lifetime', '1h');
    await waitUntil(() => Date.now() > Date.parse(first.validTo));
    const again = expectSuccess(await linkgrant(words));
    expect(again.stdout).toMatch(/^Already linked: west, certificate valid until /);
    expect(serialIn(join(links, 'Secret-west.yaml'))).not.toBe(first.serialNumber.toLowerCase());
    expect(json(await accepting('redemption', 'list', '-o', 'json'))).toHaveLength(1);
  });
});
