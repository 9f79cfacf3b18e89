import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Ended,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  type Serving,
  Workplace,
} from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterTest } from '../../support/release.js';
import {
  copySite,
  installFakeSkupper,
  RECORDED_SITES,
  WEST_SITE_FLAGS,
} from '../../support/sites/system-site.js';

let work: Workplace;
let service: Serving;

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  // A known port: a test starts the service there again.
  service = await serve('--listen', `127.0.0.1:${await freePort()}`);
});

function serve(...words: string[]): Promise<Serving> {
  return work.serve(['--data-dir', work.path('accepting'), ...WEST_SITE_FLAGS, ...words]);
}

const accepting = (...words: string[]) => linkgrant([...words, '--data-dir', work.path('accepting')]);
const requesting = (words: readonly string[], env: Record<string, string> = {}) =>
  linkgrant([...words, '--data-dir', work.path('requesting')], { env });

/** Issues a token with this name, and redeems it into the directory `links`. */
async function redeem(name: string, ...words: string[]): Promise<Ended> {
  const token = work.path(`${name}.yaml`);
  expectSuccess(await accepting('token', 'issue', token, '--name', name));
  return expectSuccess(await requesting(['token', 'redeem', token, '--to', work.path('links'), ...words]));
}

const renew = (...words: string[]) => requesting(['link', 'renew', ...words, '--dir', work.path('links')]);

const status = async (...words: string[]) =>
  json(
    expectSuccess(await requesting(['link', 'status', '--dir', work.path('links'), ...words, '-o', 'json'])),
  ).outgoing;

function secretIn(file: string) {
  const { data, metadata } = parse(readFileSync(file, 'utf8'));
  const certificate = new X509Certificate(Buffer.from(data['tls.crt'], 'base64'));
  const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 86_400_000;
  return {
    serial: certificate.serialNumber.toLowerCase(),
    days: Math.round(days),
    annotations: metadata.annotations,
  };
}

const secret = (name = 'west') => secretIn(work.path('links', `Secret-${name}.yaml`));

describe('link renew in a directory', () => {
  it('renews the given link at once, and with --all only those that are due', async () => {
    await redeem('west', '--renew');
    const first = secret();
    expect(first.days).toBe(30);
    const all = json(expectSuccess(await renew('--all', '-o', 'json')));
    expect(all).toMatchObject({ links: [{ secret: 'west', outcome: 'not-due' }], reload: 'not-needed' });
    expect(secret().serial).toBe(first.serial);
    const named = expectSuccess(await renew('west'));
    expect(named.stdout).toMatch(/^Renewed: west, certificate valid until \d{4}-/);
    const second = secret();
    expect(second.serial).not.toBe(first.serial);
    expect(second.annotations['linkgrant.dev/redemption-id']).toBe(
      first.annotations['linkgrant.dev/redemption-id'],
    );
    const within = json(expectSuccess(await renew('--all', '--within', '31d', '-o', 'json')));
    expect(within.links).toMatchObject([{ outcome: 'renewed', serial: secret().serial }]);
    const soon = json(expectSuccess(await renew('west', '--within', '1d', '-o', 'json')));
    expect(soon.links).toMatchObject([{ outcome: 'not-due' }]);
    expect(await status()).toMatchObject([{ name: 'west', renewedBy: 'link renew' }]);
  });

  it('warns before it renews a certificate of five years, and link status names no timer until one has run', async () => {
    await redeem('west');
    await redeem('east', '--renew');
    expect(secret().days).toBeGreaterThan(1_000);
    const due = expectSuccess(await renew('--all'));
    expect(due.stderr).not.toContain('30 days');
    const renewed = expectSuccess(await renew('west'));
    expect(renewed.stderr).toMatch(/certificate of link "west" is valid until \S+; .* valid for 30 days/);
    const [, command = ''] = /`(linkgrant link renew --all [^`]+)`/.exec(renewed.stderr) ?? [];
    expect(command).toContain(`--dir ${work.path('links')} --data-dir ${work.path('requesting')}`);
    expect(secret().days).toBe(30);
    // The second renewal does not shorten the certificate.
    expect(expectSuccess(await renew('west')).stderr).toBe('');
    const run = join(work.path('requesting'), 'renewal-runs');
    const [file = ''] = readdirSync(run);
    writeFileSync(join(run, file), new Date(Date.now() - 49 * 3_600_000).toISOString());
    const without = { renewedBy: null, warning: expect.stringContaining('no timer') };
    expect(await status('west')).toMatchObject([without]);
    // A named link is no work of a timer.
    expectSuccess(await renew('west'));
    expect(await status('west')).toMatchObject([without]);
    expectSuccess(await renew('--all', '--within', '1d'));
    expect((await status('west'))[0]).not.toHaveProperty('warning');
    expect(await status()).toMatchObject([{ renewedBy: 'link renew' }, { renewedBy: 'link renew' }]);
  });

  it('does not renew a link that belongs to no redemption, and reports why', async () => {
    await redeem('west', '--renew');
    const east = join(RECORDED_SITES, 'east/input/resources');
    for (const file of ['Link-to-west.yaml', 'Secret-to-west.yaml']) {
      writeFileSync(work.path('links', file), readFileSync(join(east, file)));
    }
    const all = json(expectSuccess(await renew('--all', '--within', '31d', '-o', 'json')));
    expect(all.links.map(({ outcome }: { outcome: string }) => outcome).sort()).toEqual([
      'not-renewable',
      'renewed',
    ]);
    expect(expectRefusal(await renew('to-west'), 1).error).toContain('belongs to no redemption of linkgrant');
  });

  it('renews a link without a renewal URL if --renewal-url is given', async () => {
    await redeem('west', '--renew');
    const file = work.path('links', 'Secret-west.yaml');
    const document = parse(readFileSync(file, 'utf8'));
    const { 'linkgrant.dev/server-ca': ca, 'linkgrant.dev/renewal-url': url } = document.metadata.annotations;
    document.metadata.annotations = {};
    writeFileSync(file, JSON.stringify(document));
    writeFileSync(work.path('ca.crt'), ca);
    expect(expectRefusal(await renew('west'), 1).hint).toContain('--renewal-url');
    expectSuccess(await renew('west', '--renewal-url', url, '--server-ca', work.path('ca.crt')));
    expect(secret().annotations).toMatchObject({ 'linkgrant.dev/renewal-url': url });
    expectSuccess(await renew('west'));
  });

  it('names --renewal-url if the service has moved, and completes the URL of a service', async () => {
    await redeem('west', '--renew');
    const { port } = service;
    await service.stop();
    service = await serve();
    const { hint } = expectRefusal(await renew('west'), 4);
    const [, command = ''] =
      /if the service has moved, run `(linkgrant link renew west [^`]+)`/.exec(hint) ?? [];
    expect(command).toContain('--renewal-url https://HOST:PORT/-/renew');
    expect(command).toContain(`--dir ${work.path('links')}`);
    expectSuccess(await renew('west', '--renewal-url', `https://127.0.0.1:${service.port}`));
    expect(port).not.toBe(service.port);
    expect(secret().annotations['linkgrant.dev/renewal-url']).toBe(
      `https://127.0.0.1:${service.port}/-/renew`,
    );
  });

  it.each(['/-/renew/', '/a1b2c3d4-0000-4000-8000-000000000000', '/?a=/-/renew'])(
    'names the renewal URL of the service in the refusal of https://HOST:PORT%s',
    async (path) => {
      const url = `https://grants.example.com:9090${path}`;
      const { error, hint } = expectRefusal(await renew('west', '--renewal-url', url), 2);
      expect(error).toBe(`--renewal-url cannot be "${url}"`);
      expect(hint).toContain('https://grants.example.com:9090/-/renew');
    },
  );

  it('exits with 4 while the service is down, and with 3 if a newer certificate exists', async () => {
    await redeem('west', '--renew');
    const before = secret();
    await service.stop();
    const away = await renew('west');
    expect(away.code).toBe(4);
    expect(secret()).toEqual(before);
    service = await serve('--listen', `127.0.0.1:${service.port}`);
    const file = work.path('links', 'Secret-west.yaml');
    const old = readFileSync(file, 'utf8');
    expectSuccess(await renew('west'));
    writeFileSync(file, old);
    const superseded = await renew('west');
    expect(expectRefusal(superseded, 3).error).toContain('A newer certificate has replaced this one.');
  });

  it('has a hint without flags of a redemption if a rule of the grant refuses it', async () => {
    await redeem('west', '--renew');
    expectSuccess(await accepting('grant', 'update', 'west', '--subjects', 'east'));
    const { error, hint } = expectRefusal(await renew('west'), 3);
    expect(error).toContain('The grant does not allow this subject.');
    expect(hint).toMatch(
      /^ask the operator of the accepting site .*: if these refuse the renewal, redeem a new token$/,
    );
  });

  it.each([
    [[], 'no link is given'],
    [['west', '--all'], 'exclude each other'],
    [['--all', '--renewal-url', 'https://a/-/renew'], 'are for one link'],
    [['west', '--within', 'soon'], '--within cannot be "soon"'],
    [['west', '--renewal-url', 'http://a/-/renew'], '--renewal-url cannot be'],
    [['west', '--server-ca', '/nowhere'], '--server-ca /nowhere cannot be used'],
  ])('exits with 2 for %j', async (words, reason) => {
    expect(expectRefusal(await renew(...words), 2).error).toContain(reason);
  });
});

describe('link renew --all in a mistyped place', () => {
  const all = (...words: string[]) => requesting(['link', 'renew', '--all', ...words]);

  it('exits with 1 for a directory that does not exist, and with 0 for an empty one', async () => {
    const { error, hint } = expectRefusal(await all('--dir', work.path('typo')), 1);
    expect(error).toBe(`there is no directory ${work.path('typo')}`);
    expect(hint).toContain('--dir');
    mkdirSync(work.path('links'));
    expect(expectSuccess(await renew('--all')).stdout).toBe('There are no links.\n');
  });

  it('exits with 2 for an unknown namespace if others exist, and with 0 without any namespace', async () => {
    const site = ['-n', 'eats', '-p', 'linux', '--skupper-home', work.path('skupper')];
    expect(expectSuccess(await all(...site)).stdout).toBe('There are no links.\n');
    copySite('east', work.path('skupper'));
    const { error, hint } = expectRefusal(await all(...site), 2);
    expect(error).toBe(`there is no namespace "eats" in ${work.path('skupper')}`);
    expect(hint).toContain('east');
  });
});

describe('link renew on a system site', () => {
  it('reloads the site, and link status reports the old certificate until a reload succeeds', async () => {
    const home = work.path('skupper');
    const east = copySite('east', home);
    const skupper = installFakeSkupper(work.path('bin'), east);
    const env = { PATH: `${skupper.path}:/usr/bin:/bin`, SKUPPER_PLATFORM: 'linux' };
    const site = ['-n', 'east', '--skupper-home', home];
    const run = (...words: string[]) => requesting([...words, ...site], env);
    const token = work.path('token.yaml');
    expectSuccess(await accepting('token', 'issue', token, '--name', 'west'));
    const redeemed = expectSuccess(await run('token', 'redeem', token, '--renew'));
    expect(redeemed.stdout).toContain('linkgrant link renew --all -n east -p linux\n');
    skupper.fail(1);
    const failed = await run('link', 'renew', 'west');
    expect(expectRefusal(failed, 1).error).toContain('the renewed links are written, but the reload failed');
    const status = await run('link', 'status', 'west');
    expect(status.stdout).toContain('old certificate');
    skupper.fail(0);
    const caughtUp = expectSuccess(await run('link', 'renew', '--all'));
    expect(caughtUp.stdout).toContain('Not due: west');
    expect(caughtUp.stdout).toContain('Reloaded with: skupper system reload -n east -p linux');
    const after = json(await run('link', 'status', 'west', '-o', 'json'));
    expect(after.outgoing).toMatchObject([{ router: 'current', renewedBy: 'link renew' }]);
    const calls = skupper.calls().length;
    expectSuccess(await run('link', 'renew', '--all'));
    expect(skupper.calls()).toHaveLength(calls);
  });
});
