import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../src/domain/access-token.js';
import {
  type Ended,
  expectSuccess,
  json,
  linkgrantProcess,
  type Serving,
  Workplace,
} from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { RECORDED_ENDPOINTS } from '../support/recorded-endpoints.js';
import { directoryForTest, releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { CODE, serveHttps } from '../support/servers/hostile-server.js';
import { buildStockClient, READERS, runStockClient } from './stock-client.js';

const LONGEST = `${'a'.repeat(61)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}`;
// Unquoted, YAML 1.1 reads most of these names as a boolean, a number or null.
const NAMES = ['n', 'yes', '1e3', 'null', 'off', '0x1f', '1-0', LONGEST];

const ENDPOINT = '--endpoint=inter-router=router.example.com:55671';

const TLS_SECRET = { secretType: 'kubernetes.io/tls', dataKeys: ['ca.crt', 'tls.crt', 'tls.key'] };

/** A data directory, and the built program as its service and its commands, each as a process of its own. */
class Site {
  readonly #workplace = releaseAfterFile(new Workplace());
  readonly #place = ['--data-dir', this.#workplace.path('data')];
  #tokens = 0;

  /** Starts the service. */
  serve(...words: readonly string[]): Promise<Serving> {
    return this.#workplace.serve([...this.#place, '--host', '127.0.0.1', ...words]);
  }

  /** Creates a grant; returns the path of a token file for it. */
  createToken(grant: string, ...words: readonly string[]): Promise<string> {
    return this.#writeToken((file) => ['grant', 'create', grant, '--token', file, ...words]);
  }

  /** Issues a signed token of an existing grant; returns the path of its file. */
  signToken(grant: string, ...words: readonly string[]): Promise<string> {
    return this.#writeToken((file) => ['token', 'issue', file, '--grant', grant, ...words]);
  }

  /** The grant as `grant show -o json` prints it. */
  async showGrant(grant: string): Promise<{ readonly redemptions: number; readonly state: string }> {
    return json(await this.#run(['grant', 'show', grant, '-o', 'json']));
  }

  async #writeToken(wordsFor: (file: string) => readonly string[]): Promise<string> {
    this.#tokens += 1;
    const file = this.#workplace.path(`token-${this.#tokens}.yaml`);
    await this.#run(wordsFor(file));
    return file;
  }

  async #run(words: readonly string[]): Promise<Ended> {
    return expectSuccess(await linkgrantProcess([...words, ...this.#place]));
  }
}

buildStockClient();
const site = new Site();
await site.serve(
  '--endpoint=inter-router=router.example.com:55671@b',
  '--endpoint=edge=router.example.com:45671@b',
  '--endpoint=inter-router=[2001:db8::7]:55671@a',
);
const oneEndpointSite = new Site();
await oneEndpointSite.serve(ENDPOINT);
const restartedSite = new Site();

describe('the Go client at a server that sends a recorded response of Skupper', () => {
  it.each(READERS)('gets the recorded Secret and Link with the %s reader', async (reader) => {
    const body = readFileSync(resolve(import.meta.dirname, '../fixtures/traces/success.body'));
    const server = releaseAfterTest(await serveHttps((_seen, _request, response) => response.end(body)));
    const token = join(directoryForTest(), 'token.yaml');
    writeFileSync(token, encodeAccessToken(server.token));
    const report = await runStockClient({ token, reader, name: 'my-link', subject: 'a-subject' });
    const commonName = '3c1f7e0a-0000-4000-8000-00000000000a';
    expect(report).toMatchObject({ ...TLS_SECRET, exitCode: 0, secretName: 'my-link', commonName });
    const link = { name: 'my-link', tlsCredentials: 'my-link', cost: 0, endpoints: RECORDED_ENDPOINTS };
    expect(report.links).toEqual([link]);
    const headers = { name: 'my-link', subject: 'a-subject', 'content-length': String(CODE.length) };
    expect(server.seen).toMatchObject([{ body: CODE, headers }]);
  });
});

describe('the Go client at the built service', () => {
  describe.each(READERS)('with the %s reader', (reader) => {
    it('gets a usable Secret and a Link for each group, in the order of the groups', async () => {
      const token = await site.createToken(`site-${reader}`);
      const report = await runStockClient({ token, reader, name: 'east', subject: 'a-site' });
      expect(report).toMatchObject({ ...TLS_SECRET, exitCode: 0, secretName: 'east', commonName: 'a-site' });
      const endpoint = (name: string, host: string, port: string, group: string) => ({
        name,
        host,
        port,
        group,
      });
      expect(report.links).toEqual([
        {
          name: 'east-1',
          tlsCredentials: 'east',
          cost: 0,
          endpoints: [endpoint('inter-router', '2001:db8::7', '55671', 'a')],
        },
        {
          name: 'east-2',
          tlsCredentials: 'east',
          cost: 0,
          endpoints: [
            endpoint('inter-router', 'router.example.com', '55671', 'b'),
            endpoint('edge', 'router.example.com', '45671', 'b'),
          ],
        },
      ]);
    });
  });

  it('gets the name as subject if the subject header is empty', async () => {
    const token = await site.createToken('no-subject');
    const report = await runStockClient({ token, reader: 'strict', name: 'west', subject: '' });
    expect(report).toMatchObject({ exitCode: 0, secretName: 'west', commonName: 'west' });
  });

  it('gets the same certificate again when it repeats its request for a single-use grant', async () => {
    const token = await site.createToken('lost-answer');
    const run = { token, reader: 'kubernetes', name: 'north', subject: 'the-site' } as const;
    const first = await runStockClient(run);
    const second = await runStockClient(run);
    expect(second).toEqual(first);
    expect(await site.showGrant('lost-answer')).toMatchObject({ redemptions: 1 });
  });

  it('redeems signed tokens of one grant up to the limit of each, and gets a lost response again', async () => {
    await site.createToken('hub', '--redemptions-allowed=3');
    const [one, two] = [await site.signToken('hub'), await site.signToken('hub', '--redemptions-allowed=2')];
    const run = { token: one, reader: 'strict', name: 'to-hub', subject: 'the-site' } as const;
    const first = await runStockClient(run);
    expect(first).toMatchObject({ exitCode: 0, secretName: 'to-hub', commonName: 'the-site' });
    expect(await runStockClient(run)).toEqual(first);
    expect(await runStockClient({ ...run, name: 'another' })).toMatchObject({
      exitCode: 1,
      status: 404,
      error: 'Received HTTP Response 404: No such access granted',
    });
    for (const name of ['east', 'west']) {
      expect(await runStockClient({ ...run, token: two, name })).toMatchObject({ exitCode: 0 });
    }
    expect(await site.showGrant('hub')).toMatchObject({ redemptions: 3, state: 'exhausted' });
  });
});

describe('a name that a YAML reader could convert', () => {
  describe.each(READERS)('with the %s reader', (reader) => {
    it.each(NAMES)('is read back as it was sent: %s', async (name) => {
      const token = await oneEndpointSite.createToken(`name-${reader}-${NAMES.indexOf(name)}`);
      const report = await runStockClient({ token, reader, name, subject: name });
      expect(report).toMatchObject({ exitCode: 0, secretName: name, commonName: name.slice(0, 64) });
      expect(report.links).toMatchObject([{ name, tlsCredentials: name }]);
    });
  });
});

describe('a Go client that repeats its request at intervals', () => {
  it('links once the accepting site has an endpoint, and spends one use', async () => {
    const listen = ['--listen', `127.0.0.1:${await freePort()}`];
    const first = await restartedSite.serve(...listen, ENDPOINT);
    const token = await restartedSite.createToken('by-and-by', '--redemptions-allowed=1');
    await first.stop();
    // The client finds no listener first, then a service without an endpoint.
    const waiting = runStockClient({
      token,
      reader: 'strict',
      name: 'patient',
      retry: 300,
      interval: '100ms',
    });
    const second = await restartedSite.serve(...listen);
    await second.stop();
    await restartedSite.serve(...listen, ENDPOINT);
    const report = await waiting;
    expect(report).toMatchObject({ exitCode: 0, secretName: 'patient', links: [{ name: 'patient' }] });
    expect(report.attempts).toBeGreaterThan(1);
    expect(await restartedSite.showGrant('by-and-by')).toMatchObject({ redemptions: 1 });
  });
});
