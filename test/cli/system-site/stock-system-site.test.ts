import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import { expectSuccess, linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterTest } from '../../support/release.js';
import {
  postings,
  ResponseSender,
  serveHttps,
  type TestServer,
} from '../../support/servers/hostile-server.js';
import { copySite, installFakeSkupper, type SystemSiteCopy } from '../../support/sites/system-site.js';

// Responses recorded from Skupper's grant server.
const recorded = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../fixtures/traces', `${name}.body`), 'utf8');
const ANSWER = recorded('success-once');
const RELOAD = 'system reload -n east -p linux';

let work: Workplace;
let east: SystemSiteCopy;
let server: TestServer;
let responses: ResponseSender;
/** The number of further requests that get the 503 of a proxy without a backend. */
let requestsToMiss: number;

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  east = copySite('east', work.path('skupper'));
  responses = new ResponseSender();
  requestsToMiss = 0;
  server = releaseAfterTest(
    await serveHttps(({ url }, _incoming, response) => {
      if (requestsToMiss > 0) {
        requestsToMiss -= 1;
        response.writeHead(503, { 'content-type': 'text/html' }).end('<html>no backend</html>');
      } else if (url.endsWith('/-/check')) {
        response.writeHead(404).end(recorded('wrong-path'));
      } else {
        responses.send(response, ANSWER);
      }
    }),
  );
  writeFileSync(work.path('token.yaml'), encodeAccessToken(server.token));
});

/** Runs a command on the site `east`, with a `skupper` that reloads it. */
async function onSite(words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const skupper = installFakeSkupper(work.path('bin'), east);
  const site = ['--platform', 'linux', '-n', 'east', '--skupper-home', east.home];
  const ended = await linkgrant([...words, ...site, '--data-dir', work.path('requesting')], {
    env: { PATH: `${skupper.path}:/usr/bin:/bin`, ...variables },
  });
  return { ...ended, reloads: skupper.calls() };
}

const COMMANDS = {
  redeem: () => onSite(['token', 'redeem', work.path('token.yaml')]),
  bootstrap: (variables: Readonly<Record<string, string>> = {}) => {
    const waits = ['--wait', 'configured', '--deadline', '50s'];
    return onSite(['bootstrap', '--token', work.path('token.yaml'), ...waits], variables);
  },
} as const;

const LOST = {
  redeem: [4, 'hint: the use may be spent; request a new token, or repeat with `--retry`'],
  bootstrap: [3, 'hint: the use may be spent: request a new token'],
} as const;

describe.each(Object.entries(COMMANDS))("%s on a system site, at Skupper's grant server", (name, run) => {
  it('writes the certificate and key that the server generated, sends one request, and reloads the site once', async () => {
    const first = expectSuccess(await run());
    expect(first.reloads).toEqual([RELOAD]);
    const { data, metadata } = east.input('Secret-my-link.yaml');
    const decode = (key: string) => Buffer.from(data[key], 'base64').toString();
    const certificate = new X509Certificate(decode('tls.crt'));
    expect(certificate.subject).toBe('CN=3c1f7e0a-0000-4000-8000-00000000000a');
    expect(certificate.checkPrivateKey(createPrivateKey(decode('tls.key')))).toBe(true);
    expect(metadata).toMatchObject({ name: 'my-link', namespace: 'east' });
    expect(east.input('Link-my-link.yaml').spec.endpoints).toHaveLength(2);
    const again = expectSuccess(await run());
    expect(again.reloads).toEqual([]);
    expect(postings(server)).toHaveLength(1);
    expect(postings(server)[0]?.headers.subject).toBe('2c24a82c-d6ac-475d-88f5-063ecf88a441');
  });

  it('fails when the response is cut off, and sends no second request', async () => {
    responses.truncateNext(1);
    const cut = await run();
    const [code, hint] = LOST[name as keyof typeof LOST];
    expect(cut.code).toBe(code);
    expect(cut.stderr).toContain('may nevertheless have counted a use');
    const again = await run();
    expect(again.code).toBe(code);
    expect(again.stderr).toContain('its answer was lost');
    expect(again.stderr).toContain(hint);
    expect(postings(server)).toHaveLength(1);
    expect(east.inputNames()).toEqual(['Link-to-west.yaml', 'Secret-to-west.yaml', 'Site-east.yaml']);
    expect([...cut.reloads, ...again.reloads]).toEqual([]);
  });
});

it('bootstrap waits while the proxy of a Skupper grant server responds with 503, and sends one request', async () => {
  requestsToMiss = 2;
  const joined = expectSuccess(await COMMANDS.bootstrap());
  expect(joined.stderr).toContain('Waiting: The server that answered is not a redemption service');
  expect(postings(server)).toHaveLength(1);
  expect(joined.reloads).toEqual([RELOAD]);
});

it('bootstrap with LINKGRANT_OWN_KEY refuses a Skupper grant server, and sends it nothing', async () => {
  const refused = await COMMANDS.bootstrap({ LINKGRANT_OWN_KEY: 'true' });
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain('generates the private key itself');
  expect(postings(server)).toEqual([]);
  const accepted = expectSuccess(await COMMANDS.bootstrap());
  expect(accepted.stderr).toContain('The server generated the private key of this link');
});
