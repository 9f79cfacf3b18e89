import { describe, expect, it } from 'vitest';
import { expectSuccess, json, linkgrant, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { copySite } from '../support/sites/system-site.js';

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
const run = (...command: readonly string[]) => linkgrant([...command, '--data-dir', dataDir]);

const { home } = copySite('west', place.path('skupper'));
copySite('east', home);
const service = await place.serve([
  ...['--platform', 'linux', '--skupper-home', home, '--data-dir', dataDir],
  ...['--namespace', 'west', '--host', '127.0.0.1', '--host', 'vm'],
]);
await service.stop();

describe('commands on the grants of a service that serves one namespace', () => {
  it('grant, token and redemption commands use the only namespace that the service serves', async () => {
    expectSuccess(await run('token', 'issue', place.path('token.yaml'), '--name', 'issued'));
    const created = await run('grant', 'create', 'created', '-o', 'json');
    expect(json(created)).toMatchObject({ namespace: 'west' });
    const named = async (...words: readonly string[]) =>
      json(await run('grant', 'list', '-o', 'json', ...words)).map(({ name }: { name: string }) => name);
    expect(await named()).toEqual(['created', 'issued']);
    expect(await named('-n', 'east')).toEqual([]);
    expect(json(await run('grant', 'show', 'issued', '-o', 'json'))).toMatchObject({ namespace: 'west' });
    expect((await run('redemption', 'list', '--grant', 'issued')).code).toBe(0);
    expect((await run('grant', 'revoke', 'issued')).code).toBe(0);
    expect((await run('grant', 'delete', 'created')).code).toBe(0);
    const elsewhere = await run('token', 'issue', place.path('other.yaml'), '-n', 'east');
    expect(elsewhere.stderr).toContain('namespace "east" is not served');
  });
});
