import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRouterLinks } from '../../../src/client/network-observer.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterTest } from '../../support/release.js';
import { serveHttps, type TestServer } from '../../support/servers/hostile-server.js';

const RECORDED = readFileSync(
  join(import.meta.dirname, '../../fixtures/network-observer/routerlinks.json'),
  'utf8',
);

let server: TestServer;

/**
 * Reads the links from a network observer that responds with `answer`. Without a body it never responds, and the time limit
 * ends when the request has arrived.
 */
async function read(answer: { readonly status?: number; readonly body?: string }, credentials?: string) {
  const timeLimit = new AbortController();
  server = releaseAfterTest(
    await serveHttps((_request, _incoming, response) => {
      response.statusCode = answer.status ?? 200;
      if (answer.body === undefined) timeLimit.abort();
      else response.end(answer.body);
    }),
  );
  const url = new URL(`https://127.0.0.1:${server.port}`);
  const { ca } = server.token;
  return readRouterLinks({ url, ca, credentials }, { clock: Date.now }, timeLimit.signal);
}

it('the network observer reports the sites with an active link, once for each connected router', async () => {
  const peers = await read({ body: RECORDED }, 'skupper:secret');
  const west = '22c7dcf1-ef57-454f-98ff-fa5a79792832';
  const east = { siteId: '1b9e5f0a-6f0f-4b7e-9d3c-4f0e9f0e0a01', siteName: 'east', linkName: 'to-west' };
  expect(peers).toEqual([
    { ...east, acceptingSite: west },
    expect.objectContaining({ siteName: 'north', linkName: 'west-link', acceptingSite: west }),
    { ...east, acceptingSite: west },
    expect.objectContaining({ siteName: 'west', linkName: 'to-hub' }),
  ]);
  expect(server.seen[0]).toMatchObject({
    method: 'GET',
    url: '/api/v2alpha1/routerlinks?state=active',
    headers: { authorization: `Basic ${Buffer.from('skupper:secret').toString('base64')}` },
  });
});

it('sends credentials without a colon as a bearer token, and none without credentials', async () => {
  await read({ body: '{"results":[]}' }, 'a-token');
  expect(server.seen[0]?.headers.authorization).toBe('Bearer a-token');
  await read({ body: '{"results":[]}' });
  expect(server.seen[0]?.headers.authorization).toBeUndefined();
});

it.each([
  ['results that are no list', { body: '{"results":{}}' }, 'returned an invalid response'],
  ['a body that is not JSON', { body: '<html>' }, 'returned an invalid response'],
  ['credentials that are refused', { status: 401, body: '' }, 'refuses the credentials'],
  ['another status', { status: 502, body: '' }, 'answers HTTP 502'],
  ['a response that is too long', { body: ' '.repeat(16 * 1024 * 1024 + 1) }, 'returned more than 16 MiB'],
  ['no answer in time', {}, 'no complete response in time'],
] as const)('an error of the network observer is reported: %s', async (_what, answer, message) => {
  await expect(read(answer)).rejects.toThrow(message);
});

it('records of the network observer with missing or wrong fields are skipped', async () => {
  const results = [null, 7, { status: 'up' }, { status: 'up', sourceSiteId: 'a', destinationSiteId: 'a' }];
  const usable = { status: 'up', sourceSiteId: 'a', destinationSiteId: 'b', sourceSiteName: 7 };
  expect(await read({ body: JSON.stringify({ results: [...results, usable] }) })).toEqual([
    { siteId: 'a', siteName: '', linkName: '', acceptingSite: 'b' },
  ]);
});

it('reports an observer that cannot be reached', async () => {
  const url = new URL(`https://127.0.0.1:${await freePort()}`);
  const reading = readRouterLinks({ url }, { clock: Date.now }, AbortSignal.timeout(5_000));
  await expect(reading).rejects.toThrow('cannot be reached');
});
