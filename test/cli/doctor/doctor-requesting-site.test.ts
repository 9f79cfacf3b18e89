import { mkdirSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { placeLink } from '../../support/links/link-samples.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeIdentity } from '../../support/server-identity.js';
import { tokenFor } from '../../support/servers/hostile-server.js';
import { copySite } from '../../support/sites/system-site.js';
import { doctor, writeToken } from './doctor-run.js';

let place: Workplace;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
});

describe('doctor on a requesting site', () => {
  test('reports an unknown namespace if others exist, as a redemption does', async () => {
    const { home } = copySite('east', place.path('skupper'));
    const site = ['--platform', 'linux', '--skupper-home', home, '--data-dir', place.path('data')];
    const { failed, ended } = await doctor([
      ...site,
      ...['-n', 'aest', '--listen', '127.0.0.1:0', '--ops-listen', 'off'],
    ]);
    expect([failed, ended.code]).toEqual([[['namespace', `there is no namespace "aest" in ${home}`]], 2]);
    const token = writeToken(place, tokenFor(await freePort(), (await makeIdentity()).ca));
    const withToken = await doctor([...site, '-n', 'aest', '--token', token]);
    expect(withToken.failed.map(([name]) => name)).toEqual(['TCP', 'namespace']);
    const redeemed = await linkgrant(['token', 'redeem', token, ...site, '-n', 'aest']);
    expect(refusalOf(redeemed).error).toBe(failed[0]?.[1]);
  });

  test('prints hints whose commands run as printed', async () => {
    const links = place.path('my links');
    const renewalUrl = `https://127.0.0.1:${await freePort()}/-/renew`;
    await placeLink(links, {
      ...{ name: 'old', issuedAt: Date.now() - 25 * DAY_MS },
      annotations: ({ caCrt }) => ({
        'linkgrant.dev/renewal-url': renewalUrl,
        'linkgrant.dev/server-ca': caCrt,
      }),
    });
    const cwd = place.directory;
    const { checks } = await doctor(['--to', 'my links', '--data-dir', 'data'], { cwd });
    const [hint = ''] = checks.flatMap(({ name, hint }) => (name === 'link old' ? [hint] : []));
    const [, command = ''] = /`(linkgrant link renew [^`]+)`/.exec(hint) ?? [];
    expect(command).toBe(`linkgrant link renew --all --dir '${links}' --data-dir ${place.path('data')}`);
    const [, ...words] = command.match(/'[^']*'|\S+/g) ?? [];
    const renewed = await linkgrant(words.map((word) => word.replaceAll("'", '')));
    expect(renewed).toMatchObject({ code: 4, stderr: expect.stringContaining('accepts no connection') });
    const missing = await doctor(['--data-dir', 'data', '--ops-listen', 'off', '--listen', '127.0.0.1:0'], {
      cwd,
    });
    const serving = `--data-dir ${place.path('data')} --listen 127.0.0.1:0 --ops-listen off`;
    expect(missing.checks.find(({ name }) => name === 'store')?.hint).toBe(
      `run the command as the user of the service and with its --data-dir, or start \`linkgrant serve ${serving}\` once; to check a site that requests links, run \`linkgrant doctor --token FILE --to DIR\``,
    );
  });

  test('reports a data directory and a links directory that are not writable, and links whose certificates expire', async () => {
    const locked = place.path('locked');
    mkdirSync(locked, { mode: 0o500 });
    const { failed, ended } = await doctor(['--to', `${locked}/links`, '--data-dir', locked], {
      obeysPermissions: true,
    });
    expect(failed).toEqual([
      ['data directory', `${locked} cannot be written (EACCES)`],
      ['links directory', expect.any(String)],
    ]);
    expect(ended.code).toBe(1);
    const links = place.path('links');
    const issuedAt = Date.now() - 25 * DAY_MS;
    await placeLink(links, { name: 'young' });
    await placeLink(links, { name: 'old', issuedAt });
    await placeLink(links, { name: 'dead', issuedAt, lifetimeMs: DAY_MS });
    const { checks, ended: outcome } = await doctor(['--to', links, '--data-dir', place.path('data')]);
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'data directory ok',
      'links directory ok',
      'link dead fail',
      'link old warn',
      'link young ok',
    ]);
    expect(outcome.code).toBe(3);
  });

  test('names the command of a timer, which renews every link that is due, for a link whose renewal is overdue', async () => {
    const links = place.path('links');
    await placeLink(links, {
      name: 'old',
      issuedAt: Date.now() - 25 * DAY_MS,
      annotations: ({ caCrt }) => ({
        'linkgrant.dev/renewal-url': 'https://127.0.0.1:9090',
        'linkgrant.dev/server-ca': caCrt,
      }),
    });
    const words = ['--to', links, '--data-dir', place.path('data')];
    const { checks } = await doctor(words);
    const { hint } = checks.find(({ name }) => name === 'link old') ?? {};
    const command = `linkgrant link renew --all --dir ${links} --data-dir ${place.path('data')}`;
    expect(hint).toBe(`its renewal is overdue: run \`${command}\`, and check that a timer runs this command`);
  });
});
