import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectSuccess, linkgrant, Workplace } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterFile } from '../../support/release.js';
import { until } from '../../support/until.js';

const work = releaseAfterFile(new Workplace());
const ENDPOINT = ['--endpoint', 'edge=router.example.com:45671'];
/** Flags that connect every request to a service of this machine, as if DNS led there. */
const routeTo = (listen: string) => ['--connect-to', `::${listen}`];

/** Issues a token into a file, and returns the URL of the service in it. */
async function issueToken(file: string, dataDir: string): Promise<string> {
  expectSuccess(await linkgrant(['token', 'issue', file, '--data-dir', dataDir]));
  return /url: "?(\S+)\/[0-9a-f-]{36}/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
}

it.each([
  ['--host', ['--host', 'grants.example.com'], 'https://grants.example.com:PORT'],
  ['two of --host', ['--host', 'a.example.com', '--host', 'b.example.com'], 'https://a.example.com:PORT'],
  ['--external-url', ['--external-url', 'https://b.example.com:8443/g'], 'https://b.example.com:8443/g'],
  ['--listen', [], 'https://127.0.0.2:PORT'],
])(
  'serve uses the address of the last start (by %s) in a moved data directory, until a flag changes it',
  async (what, address, url) => {
    const directory = work.path(what);
    const [before, after, site] = [
      join(directory, 'before'),
      join(directory, 'after'),
      join(directory, 'site'),
    ];
    const port = await freePort();
    const listened = `${what === '--listen' ? '127.0.0.2' : '127.0.0.1'}:${port}`;
    const first = await work.serve([
      ...['--data-dir', before, ...ENDPOINT],
      ...[...address, '--listen', listened],
    ]);
    expect(first.url).toBe(url.replace('PORT', String(first.port)));
    const token = join(directory, 'token.yaml');
    expect(await issueToken(token, before)).toBe(first.url);
    const redeem = [
      'token',
      'redeem',
      token,
      '--name',
      'my-link',
      '--to',
      join(site, 'links'),
      '--data-dir',
      site,
    ];
    expectSuccess(await linkgrant([...redeem, ...routeTo(listened)]));
    await first.stop();
    cpSync(before, after, { recursive: true });

    const listen = `127.0.0.1:${port}`;
    // The second start finds what the first one has recorded.
    for (const file of ['first.yaml', 'second.yaml']) {
      const moved = await work.serve(['--data-dir', after, '--listen', listen, ...ENDPOINT]);
      expect(moved.url).toBe(first.url);
      await until(() => moved.said.stderr.includes('address_kept'));
      expect(await issueToken(join(directory, file), after)).toBe(first.url);
      const renew = ['link', 'renew', 'my-link', '--dir', join(site, 'links'), '--data-dir', site];
      expectSuccess(await linkgrant([...renew, ...routeTo(listen)]));
      await moved.stop();
    }

    const changed = await work.serve(['--data-dir', after, ...ENDPOINT, '--host', 'c.example.com']);
    expect(changed.url).toBe(`https://c.example.com:${changed.port}`);
    expect(changed.said.stderr).not.toContain('address_kept');
    expect(await issueToken(join(directory, 'third.yaml'), after)).toBe(changed.url);
    await changed.stop();
  },
);

it.each([
  ['no flag', []],
  ['--host', ['--host', 'grants.example.com']],
  ['--external-url', ['--external-url', 'https://b.example.com:8443/g']],
  ['--listen on every address', []],
])('a second start with the same flags (%s) adds no entry to the ledger', async (what, flags) => {
  const data = ['--data-dir', work.path(`twice ${what}`)];
  const entries = async () =>
    JSON.parse(expectSuccess(await linkgrant(['ledger', 'verify', '-o', 'json', ...data])).stdout).entries;
  // At the same port, because a port of an address in tokens is a part of it.
  const listen = `${what.startsWith('--listen') ? '0.0.0.0' : '127.0.0.1'}:${await freePort()}`;
  const words = [...data, ...ENDPOINT, ...flags, '--listen', listen];
  await work.serveOnce(words);
  const before = await entries();
  await work.serveOnce(words);
  expect(await entries()).toBe(before);
});
