import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Ended,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  Workplace,
} from '../../support/command-line.js';
import { startRouterListener } from '../../support/links/router-listener.js';
import { releaseAfterTest } from '../../support/release.js';
import { copySite, installFakeSkupper } from '../../support/sites/system-site.js';

let place: Workplace;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
});

function link(...words: readonly string[]): Promise<Ended> {
  return linkgrant(['link', ...words]);
}

/** Creates the site of namespace `east`. Returns it, and the flags of commands for it. */
function eastSite() {
  const home = place.path('skupper');
  const site = copySite('east', home);
  const words = ['--platform', 'linux', '--skupper-home', home, '-n', 'east', '--data-dir', place.path('d')];
  return { home, site, words };
}

/** Runs a service once. Returns its data directory. */
async function dataDirectory(...site: readonly string[]): Promise<string> {
  const data = place.path('data');
  await place.serveOnce(['--data-dir', data, '--host', '127.0.0.1', ...site]);
  return data;
}

describe("the links of a system site's namespace", () => {
  test('link status, update and delete use the input directory of the namespace', async () => {
    const { site, words } = eastSite();
    const { outgoing } = json(await link('status', ...words, '-o', 'json'));
    expect(outgoing).toMatchObject([
      { name: 'to-west', cost: 1, endpoints: ['inter-router 127.0.0.1:55671', 'edge 127.0.0.1:45671'] },
    ]);
    const updated = await link('update', 'to-west', '--cost', '7', ...words);
    expect(updated.stdout).toContain('To activate the change, run: skupper system reload -n east -p linux\n');
    expect(site.input('Link-to-west.yaml').spec.cost).toBe(7);
    expect((await link('delete', 'to-west', ...words)).code).toBe(0);
    expect(site.inputNames()).toEqual(['Site-east.yaml']);
  });

  test('Skupper reloads the site once after each change of a link, and again after a failed reload', async () => {
    const { site, words } = eastSite();
    const skupper = installFakeSkupper(place.path('bin'), site);
    const env = { PATH: `${skupper.path}:/usr/bin:/bin` };
    const run = (...command: string[]) => linkgrant(['link', ...command, ...words], { env });
    const reload = 'system reload -n east -p linux';
    for (let time = 1; time <= 2; time += 1) {
      const updated = await run('update', 'to-west', '--cost', '7');
      expect(updated, updated.stderr).toMatchObject({ code: 0 });
      expect(updated.stdout.includes(`Reloaded with: skupper ${reload}\n`)).toBe(time === 1);
    }
    expect(skupper.calls()).toEqual([reload]);
    skupper.fail(5);
    const failed = await run('delete', 'to-west');
    expect(expectRefusal(failed, 1).error).toBe(
      'the change is written, but the reload failed: it exited with 5',
    );
    expect(site.inputNames()).toEqual(['Site-east.yaml']);
    skupper.fail(0);
    expect(await run('delete', 'to-west', '--dry-run')).toMatchObject({
      code: 0,
      stdout: 'The pending reload of the site drops the link\n',
    });
    expect(skupper.calls()).toEqual([reload, reload]);
    const repeated = await run('delete', 'to-west');
    expect(repeated).toMatchObject({ code: 0, stdout: `Reloaded with: skupper ${reload}\n` });
    expect(skupper.calls()).toEqual([reload, reload, reload]);
    const gone = await run('delete', 'to-west');
    expect(gone.code).toBe(1);
    expect(skupper.calls()).toHaveLength(3);
  });

  test('an interrupted reload that had removed the state of the site is repeated', async () => {
    const { site, words } = eastSite();
    const skupper = installFakeSkupper(place.path('bin'), site);
    const env = { PATH: `${skupper.path}:/usr/bin:/bin` };
    const update = (cost: string, ...more: string[]) =>
      linkgrant(['link', 'update', 'to-west', '--cost', cost, ...words, ...more], { env });
    const killed = `rm '${site.path('runtime/resources')}'/*; kill $$`;
    const interrupted = await update('7', '--reload-command', killed);
    expect(expectRefusal(interrupted, 1).error).toContain('it was stopped by SIGTERM');
    const repeated = expectSuccess(await update('8'));
    expect(repeated.stdout).toContain('Reloaded with: skupper system reload -n east -p linux\n');
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  test('link delete refuses a link that only the running router has, also with --dry-run', async () => {
    const { site, words } = eastSite();
    rmSync(site.path('input/resources/Link-to-west.yaml'));
    rmSync(site.path('input/resources/Secret-to-west.yaml'));
    for (const more of [[], ['--dry-run']]) {
      const ended = await link('delete', 'to-west', ...words, ...more);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain(
        `error: link "to-west" has no file in ${site.path('input/resources')}: only the running router has the link\nhint: reload the site to drop the link;`,
      );
    }
  });

  test('link status prints the state of each link in the running router', async () => {
    const { home, site, words } = eastSite();
    const states = async () =>
      json(await link('status', ...words, '-o', 'json')).outgoing.map(
        ({ name, router, file }: Record<string, string>) => [name, router, file],
      );
    const input = site.path('input/resources/Link-to-west.yaml');
    expect(await states()).toEqual([['to-west', 'current', input]]);
    const text = readFileSync(input, 'utf8');
    writeFileSync(site.path('input/resources/Link-new.yaml'), text.replaceAll('name: to-west', 'name: new'));
    writeFileSync(input, text.replace('spec:', 'spec:\n  cost: 5'));
    expect(await states()).toEqual([
      ['new', 'absent', site.path('input/resources/Link-new.yaml')],
      ['to-west', 'outdated', input],
    ]);
    rmSync(input);
    const running = site.path('runtime/resources/Link-to-west.yaml');
    expect((await states())[1]).toEqual(['to-west', 'only-loaded', running]);
    const { stdout } = await link('status', ...words);
    expect(stdout).toMatch(/^NAME .* ROUTER *$/m);
    expect(stdout).toMatch(/^to-west .* no file *$/m);
    expect(stdout).toContain('note: new: the router has not loaded the link yet');
    expect(stdout).toContain('note: to-west: only the running router has the link');
    const elsewhere = await link('status', ...words, '-n', 'nowhere');
    expect(expectRefusal(elsewhere, 1).error).toBe(`namespace "nowhere" has no site below ${home}`);
  });

  test("link check reports tls_untrusted if the link does not trust the router's CA", async () => {
    const home = place.path('skupper');
    copySite('east', home);
    const router = releaseAfterTest(await startRouterListener());
    const words = ['--platform', 'linux', '--skupper-home', home, '-n', 'east', '-o', 'json'];
    const checked = await link('check', 'to-west', ...words, '--connect-to', `::127.0.0.1:${router.port}`);
    expect(checked.code).toBe(3);
    expect(json(checked)).toMatchObject([{ fault: 'tls_untrusted' }, { fault: 'tls_untrusted' }]);
  });

  test("link generate creates a link to the site of a namespace, for a host name in its router's certificate", async () => {
    const home = place.path('skupper');
    copySite('west', home);
    const site = ['--platform', 'linux', '--skupper-home', home, '-n', 'west'];
    const words = [...site, '--data-dir', await dataDirectory(...site)];
    const to = place.path('links');
    expectSuccess(await link('generate', 'to-west', ...words, '--host', '192.0.2.2', '--to', to));
    const router = releaseAfterTest(await startRouterListener());
    const route = ['--connect-to', `::127.0.0.1:${router.port}`];
    expect(await link('check', 'to-west', '--dir', to, ...route)).toMatchObject({ code: 0, stderr: '' });
    expect(router.peers).toEqual(['to-west', 'to-west']);
    const file = place.path('links', 'Link-to-west.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('192.0.2.2', '127.0.0.1'));
    const unnamed = await link('check', 'to-west', '--dir', to, ...route, '-o', 'json');
    expect(unnamed.code).toBe(3);
    expect(json(unnamed)).toMatchObject([{ fault: 'tls_name' }, { fault: 'tls_name' }]);
    const refused = await link('generate', 'other', ...words, '--host', '192.0.2.99');
    expect(refused.code).not.toBe(0);
    expect(refusalOf(refused).error).toContain('192.0.2.99');
  });
});
