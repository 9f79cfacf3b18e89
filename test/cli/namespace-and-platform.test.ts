import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { json, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { SystemHome } from '../support/sites/system-home.js';

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
const home = new SystemHome(place.path('skupper')).add('west').add('east');
const asked = (env: Readonly<Record<string, string>>, ...command: readonly string[]) =>
  linkgrant([...command, '--data-dir', dataDir], { env });
const run = (...command: readonly string[]) => asked({}, ...command);
const WEST = { LINKGRANT_NAMESPACE: 'west' };

const service = await place.serve([
  ...['-p', 'linux', '--skupper-home', home.directory, '--data-dir', dataDir],
  ...['--host', '127.0.0.1', '--host', 'vm'],
]);
await service.stop();

describe('the namespace of a command', () => {
  it('is that of the variable unless a flag is given', async () => {
    expect(json(await asked(WEST, 'grant', 'create', 'one', '-o', 'json'))).toMatchObject({
      namespace: 'west',
    });
    const issued = await asked(WEST, 'token', 'issue', place.path('token.yaml'), '--name', 'two');
    expect(issued.code, issued.stderr).toBe(0);
    const named = async (...words: readonly string[]) =>
      json(await asked(WEST, 'grant', 'list', '-o', 'json', ...words)).map(
        ({ name }: { name: string }) => name,
      );
    expect(await named()).toEqual(['one', 'two']);
    expect(await named('-n', 'east')).toEqual([]);
  });

  it('is that of the variable for link commands too, so that no use is spent elsewhere', async () => {
    const requesting = ['-p', 'linux', '--skupper-home', home.directory, '--dir', place.path('links')];
    mkdirSync(place.path('links'));
    const system = requesting.slice(0, 4);
    const status = await asked({ LINKGRANT_NAMESPACE: 'nowhere' }, 'link', 'status', ...system);
    expect(refusalOf(status).error).toContain('namespace "nowhere"');
    const checked = await asked(WEST, 'link', 'check', ...system);
    expect(refusalOf(checked).error).toContain('namespaces/west/input/resources');
    const generated = await asked(WEST, 'link', 'generate', 'peer', '--to', place.path('generated'));
    expect(generated.code, generated.stderr).toBe(0);
    const shown = json(await asked(WEST, 'link', 'status', ...system, '-o', 'json'));
    expect(shown.incoming).toMatchObject([{ name: 'peer' }]);
    const redeemed = await asked(
      { LINKGRANT_NAMESPACE: 'east', LINKGRANT_PLATFORM: 'linux' },
      ...['token', 'redeem', place.path('token.yaml'), '--skupper-home', home.directory, '--timeout', '1s'],
    );
    // The service has stopped; what was tried was to be put there.
    expect(redeemed.code).toBe(4);
    expect(existsSync(home.path('default'))).toBe(false);
  });

  it('is ignored for a site without a platform', async () => {
    const words = ['token', 'redeem', place.path('token.yaml'), '--to', place.path('out'), '--timeout', '1s'];
    expect((await asked(WEST, ...words)).code).toBe(4);
    expect(refusalOf(await run(...words, '-n', 'west')).error).toContain('--namespace needs a platform');
  });

  it('is in suggested commands and messages', async () => {
    const created = await run('grant', 'create', 'shown', '-n', 'west');
    const commands = created.stdout.match(/`linkgrant token issue [^`]*`/g);
    expect(commands).toHaveLength(2);
    for (const command of commands ?? []) expect(command).toContain(' -n west');
    expect((await run('grant', 'list')).stdout).toBe(
      'There are no grants in namespace "default"; -A lists those of all.\n',
    );
    expect(refusalOf(await run('grant', 'show', 'shown')).hint).toContain('grant list -A');
  });
});

describe('the platform of a command', () => {
  it('can be given to every command on a store, if it is that of its service', async () => {
    for (const command of [
      ['grant', 'create', 'told', '-n', 'west'],
      ['grant', 'list', '-A'],
      ['grant', 'show', 'told', '-n', 'west'],
      ['grant', 'update', 'told', '-n', 'west', '--redemptions-allowed', '2'],
      ['token', 'issue', place.path('told.yaml'), '-n', 'west'],
      ['token', 'list', '-n', 'west'],
      ['redemption', 'list', '-n', 'west'],
      ['grant', 'revoke', 'told', '-n', 'west'],
      ['grant', 'delete', 'told', '-n', 'west'],
      ['issuer', 'list'],
      ['link', 'status', '-n', 'west', '--skupper-home', home.directory],
    ]) {
      const ended = await run(...command, '-p', 'linux');
      expect(ended.code, `${command.join(' ')}: ${ended.stderr}`).toBe(0);
    }
    const other = await run('grant', 'list', '--platform', 'podman');
    expect(other.code).toBe(2);
    expect(refusalOf(other).error).toBe('the service on this store is for platform linux, not podman');
  });

  it('of link generate is that of the service', async () => {
    const made = await run('link', 'generate', 'known', '-n', 'west', '--to', place.path('known'));
    expect(made.code, made.stderr).toBe(0);
    expect(readdirSync(place.path('known'))).toContain('Secret-known.yaml');
  });
});

describe('the directory of links', () => {
  it('cannot be given in a way that the site would not read', async () => {
    const endpoint = ['--endpoint', 'inter-router=h.example.com:1'];
    const made = await run('link', 'generate', 'x', '-n', 'west', ...endpoint);
    expect([made.code, refusalOf(made).hint]).toEqual([2, expect.stringContaining('--host')]);
    const served = await run('serve', '-p', 'linux', '--skupper-home', home.directory, ...endpoint);
    expect([served.code, refusalOf(served).hint]).toEqual([2, expect.stringContaining('--host')]);
    const named = await run('link', 'generate', 'x', '-n', 'west', '--host', 'elsewhere.example.com');
    expect([named.code, refusalOf(named).error]).toEqual([1, expect.stringContaining('elsewhere')]);
  });
});
