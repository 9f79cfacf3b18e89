import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ended, json, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { type RouterListener, startRouterListener } from '../support/router-listener.js';
import { copySite } from '../support/system-site.js';

let place: Workplace;
const routers: RouterListener[] = [];

beforeEach(() => {
  place = new Workplace();
});

afterEach(async () => {
  await Promise.all(routers.splice(0).map((router) => router.close()));
  await place.remove();
});

/** Runs `linkgrant link …`. */
function link(...words: readonly string[]): Promise<Ended> {
  return linkgrant(['link', ...words]);
}

/** The data directory of a service that has run once. */
async function dataDirectory(): Promise<string> {
  const data = place.path('data');
  const serving = await place.serve(['--data-dir', data, '--host', '127.0.0.1']);
  await serving.stop();
  return data;
}

describe("links of a system site's namespace", () => {
  test('are those of its input directory', async () => {
    const home = place.path('skupper');
    const site = copySite('east', home, 'east');
    const words = ['--platform', 'linux', '--skupper-home', home, '-n', 'east'];
    const { outgoing } = json(await link('status', ...words, '--data-dir', place.path('d'), '-o', 'json'));
    expect(outgoing).toMatchObject([
      { name: 'to-west', cost: 1, endpoints: ['inter-router 127.0.0.1:55671', 'edge 127.0.0.1:45671'] },
    ]);
    const updated = await link('update', 'to-west', '--cost', '7', ...words);
    expect(updated.stdout).toContain('skupper system reload -n east');
    expect(site.input('Link-to-west.yaml').spec.cost).toBe(7);
    expect((await link('delete', 'to-west', ...words, '--data-dir', place.path('d'))).code).toBe(0);
    expect(site.inputNames()).toEqual(['Site-east.yaml']);
  });

  test('are of another network where the router comes from a CA that the link does not know', async () => {
    const home = place.path('skupper');
    copySite('east', home, 'east');
    const router = await startRouterListener();
    routers.push(router);
    const words = ['--platform', 'linux', '--skupper-home', home, '-n', 'east', '-o', 'json'];
    const checked = await link('check', 'to-west', ...words, '--connect-to', `::127.0.0.1:${router.port}`);
    expect(checked.code).toBe(3);
    expect(json(checked)).toMatchObject([{ fault: 'tls_untrusted' }, { fault: 'tls_untrusted' }]);
  });

  test('are generated from the namespace of an accepting site, and lead to its router by a name in its certificate', async () => {
    const home = place.path('skupper');
    copySite('west', home, 'west');
    const data = await dataDirectory();
    const words = ['--platform', 'linux', '--skupper-home', home, '-n', 'west', '--data-dir', data];
    const to = place.path('links');
    const made = await link('generate', 'to-west', ...words, '--host', '192.0.2.2', '--to', to);
    expect(made.code, made.stderr).toBe(0);
    const router = await startRouterListener();
    routers.push(router);
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
