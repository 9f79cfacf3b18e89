import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  Workplace,
} from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { copySite } from '../support/sites/system-site.js';

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
const { home } = copySite('west', place.path('skupper'));
copySite('east', home);
const runWith = (env: Readonly<Record<string, string>>, ...command: readonly string[]) =>
  linkgrant([...command, '--data-dir', dataDir], { env });
const run = (...command: readonly string[]) => runWith({}, ...command);
const WEST = { LINKGRANT_NAMESPACE: 'west' };

/** Flags of a service for the sites, which can be reached at an address and at the name of the recorded router. */
const SERVED = ['-p', 'linux', '--skupper-home', home, '--host', '127.0.0.1', '--host', 'vm'];

await place.serveOnce([...SERVED, '--data-dir', dataDir]);

describe('the namespace of a command', () => {
  it('grant and token commands use LINKGRANT_NAMESPACE unless a flag is given', async () => {
    expect(json(await runWith(WEST, 'grant', 'create', 'one', '-o', 'json'))).toMatchObject({
      namespace: 'west',
    });
    expectSuccess(await runWith(WEST, 'token', 'issue', place.path('token.yaml'), '--name', 'two'));
    const list = (...words: readonly string[]) => runWith(WEST, 'grant', 'list', '-o', 'name', ...words);
    expect((await list()).stdout).toBe('one\ntwo\n');
    expect((await list('-n', 'east')).stdout).toBe('');
  });

  it('link commands and token redeem use LINKGRANT_NAMESPACE', async () => {
    const system = ['-p', 'linux', '--skupper-home', home];
    const status = await runWith({ LINKGRANT_NAMESPACE: 'nowhere' }, 'link', 'status', ...system);
    expect(refusalOf(status).error).toContain('namespace "nowhere"');
    const checked = await runWith(WEST, 'link', 'check', ...system);
    expect(refusalOf(checked).error).toContain('namespaces/west/input/resources');
    expectSuccess(await runWith(WEST, 'link', 'generate', 'peer', '--to', place.path('generated')));
    const shown = json(await runWith(WEST, 'link', 'status', ...system, '-o', 'json'));
    expect(shown.incoming).toMatchObject([{ name: 'peer' }]);
    const redeemed = await runWith(
      { LINKGRANT_NAMESPACE: 'east', LINKGRANT_PLATFORM: 'linux' },
      ...['token', 'redeem', place.path('token.yaml'), '--skupper-home', home, '--timeout', '1s'],
    );
    // The service has stopped, so the redemption fails. It has not created the default namespace.
    expect(redeemed.code).toBe(4);
    expect(existsSync(join(home, 'namespaces/default'))).toBe(false);
  });

  it('without a platform LINKGRANT_NAMESPACE is ignored, and --namespace is refused', async () => {
    const words = ['token', 'redeem', place.path('token.yaml'), '--to', place.path('out'), '--timeout', '1s'];
    expect((await runWith(WEST, ...words)).code).toBe(4);
    expect(refusalOf(await run(...words, '-n', 'west')).error).toContain('--namespace needs a platform');
  });

  it('suggested commands and messages contain the namespace', async () => {
    const created = await run('grant', 'create', 'shown', '-n', 'west');
    const commands = created.stdout.match(/`linkgrant token issue [^`]*`/g);
    expect(commands).toHaveLength(2);
    for (const command of commands ?? []) expect(command).toContain(' -n west');
    expect((await run('grant', 'list')).stdout).toBe(
      'There are no grants in namespace "default"; -A lists those of all namespaces.\n',
    );
    expect(refusalOf(await run('grant', 'show', 'shown')).hint).toContain('grant list -A');
  });
});

describe('the platform of a command', () => {
  it('every command on a store accepts the platform of the service, and no other', async () => {
    for (const command of [
      ['grant', 'create', 'hub', '-n', 'west'],
      ['grant', 'list', '-A'],
      ['grant', 'show', 'hub', '-n', 'west'],
      ['grant', 'update', 'hub', '-n', 'west', '--redemptions-allowed', '2'],
      ['token', 'issue', place.path('hub.yaml'), '-n', 'west'],
      ['token', 'list', '-n', 'west'],
      ['redemption', 'list', '-n', 'west'],
      ['grant', 'revoke', 'hub', '-n', 'west'],
      ['grant', 'delete', 'hub', '-n', 'west'],
      ['issuer', 'list'],
      ['link', 'status', '-n', 'west', '--skupper-home', home],
    ]) {
      const ended = await run(...command, '-p', 'linux');
      expect(ended.code, `${command.join(' ')}: ${ended.stderr}`).toBe(0);
    }
    const other = await run('grant', 'list', '--platform', 'podman');
    expect(expectRefusal(other, 2).error).toBe('the service is for platform linux, not podman');
  });
});

describe('--endpoint and --host on a system platform', () => {
  it('refuses --endpoint, and a --host that the certificate of the site lacks', async () => {
    const endpoint = ['--endpoint', 'inter-router=h.example.com:1'];
    const made = await run('link', 'generate', 'x', '-n', 'west', ...endpoint);
    expect(expectRefusal(made, 2).hint).toContain('--host');
    const served = await run('serve', '-p', 'linux', '--skupper-home', home, ...endpoint);
    expect(expectRefusal(served, 2).hint).toContain('--host');
    const named = await run('link', 'generate', 'x', '-n', 'west', '--host', 'elsewhere.example.com');
    expect(expectRefusal(named, 1).error).toContain('elsewhere');
  });
});

describe('commands on the grants of a service that serves one namespace', () => {
  const data = place.path('served-namespace');
  const run = (...command: readonly string[]) => linkgrant([...command, '--data-dir', data]);

  it('grant, token and redemption commands use the only namespace that the service serves', async () => {
    await place.serveOnce([...SERVED, '--namespace', 'west', '--data-dir', data]);
    expectSuccess(await run('token', 'issue', place.path('issued.yaml'), '--name', 'issued'));
    const created = await run('grant', 'create', 'created', '-o', 'json');
    expect(json(created)).toMatchObject({ namespace: 'west' });
    const list = (...words: readonly string[]) => run('grant', 'list', '-o', 'name', ...words);
    expect((await list()).stdout).toBe('created\nissued\n');
    expect((await list('-n', 'east')).stdout).toBe('');
    expect(json(await run('grant', 'show', 'issued', '-o', 'json'))).toMatchObject({ namespace: 'west' });
    expect((await run('redemption', 'list', '--grant', 'issued')).code).toBe(0);
    expect((await run('grant', 'revoke', 'issued')).code).toBe(0);
    expect((await run('grant', 'delete', 'created')).code).toBe(0);
    const elsewhere = await run('token', 'issue', place.path('other.yaml'), '-n', 'east');
    expect(elsewhere.stderr).toContain('namespace "east" is not served');
  });
});
