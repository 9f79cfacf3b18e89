import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import { ACCESS_TOKENS, SECRETS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { SecretResource } from '../../../src/platforms/kubernetes/requesting/namespace-target.js';
import { linkgrant } from '../../support/command-line.js';
import { metricOf } from '../../support/operations.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { makeAuthority, makeIdentity } from '../../support/server-identity.js';
import { postings, serveHttps } from '../../support/servers/hostile-server.js';
import { post } from '../../support/wire.js';
import { RedeemerCluster } from '../harness/redeemer-cluster.js';
import { namesOf } from '../harness/resources.js';

const at = releaseAfterFile(await RedeemerCluster.open());
afterEach(() => at.endTest());

const FINAL_REFUSALS = [
  ...(['code_wrong', 'grant_unknown', 'grant_expired', 'grant_revoked', 'grant_exhausted'] as const),
  ...(['code_expired', 'code_revoked', 'code_exhausted', 'policy_name'] as const),
] as const;
const CHECK = {
  state: 'ready',
  redemptions: 0,
  redemptionsAllowed: 1,
  expirationTime: '2100-01-01T00:00:00Z',
  link: { endpoints: [] },
  serverTime: new Date().toISOString(),
};

describe('an AccessToken', () => {
  it.each([
    ['a spent grant', 404, 'No such access granted', 'redeemed as often as it allows'],
    ['a wrong code', 403, 'Redemption of access token refused', 'refused the code'],
  ])('reports %s, and sends no further request', async (_, status, text, message) => {
    const server = await serveHttps((request, _incoming, response) => {
      if (request.url.endsWith('/-/check')) response.writeHead(404).end('No such claim\n');
      else response.writeHead(status).end(`${text}\n`);
    });
    at.keep(server);
    const place = await at.namespace();
    await at.redeemer();
    await place.put(server.token);
    const token = await place.waitForStatus('Refused');
    expect(token.status?.redeemed).toBe(false);
    expect(token.status?.message).toContain(message);
    await at.stopShared();
    // A new leader relies on the recorded status.
    await at.redeemer();
    await at.nextToken();
    expect(postings(server)).toHaveLength(1);
    expect(await place.links()).toEqual([]);
    expect(namesOf(await place.secrets())).toEqual([]);
  });

  it.each(FINAL_REFUSALS)('leaves no key if linkgrant answers %s', async (code) => {
    const server = await at.issuing('linkgrant');
    server.refuse(code);
    const place = await at.namespace();
    await at.redeemer();
    await place.put(server.token);
    await place.waitForStatus('Refused');
    expect(namesOf(await place.secrets())).toEqual([]);
  });

  it('creates no key while its service cannot be reached', async () => {
    const server = await at.issuing('linkgrant');
    await server.close();
    const place = await at.namespace();
    await at.redeemer();
    await place.put(server.token);
    expect((await place.waitForStatus('Error')).status?.message).toContain('accepts no connection');
    expect(namesOf(await place.secrets())).toEqual([]);
  });

  it.each(['grant_unknown', 'grant_revoked', 'grant_expired'] as const)(
    'retains its key if a response was lost before %s, and a retry succeeds',
    async (code) => {
      const server = await at.issuing('linkgrant');
      server.loseAnswers(3, code);
      const place = await at.namespace();
      const redeemer = await at.run();
      await place.put(server.token);
      await retryUntil('the failure of the first attempt', async () =>
        redeemer.log(place.namespace).some(({ event }) => event === 'token_failed'),
      );
      if (code !== 'grant_expired') {
        await place.waitForStatus('Refused');
        expect(namesOf(await place.secrets())).toEqual([expect.stringMatching(/^linkgrant-pending-/)]);
        await redeemer.stop('SIGTERM');
        server.refuse(undefined);
        const words = ['token', 'redeem', '-', '--platform', 'kubernetes', '-n', place.namespace];
        const byHand = await linkgrant([...words, '--kubeconfig', at.cluster.kubeconfig], {
          input: encodeAccessToken(server.token),
        });
        expect(byHand).toMatchObject({ code: 0, stderr: '' });
      } else {
        // The service looks up the key before it checks the expiration.
        await place.waitForStatus('Ready');
      }
      expect(server.issued()).toBe(1);
      expect(namesOf(await place.secrets())).toEqual(['my-link']);
    },
  );

  it.each([
    ['if the redeemer runs with --own-key', ['--own-key'], {}],
    ['if linkgrant has issued it', [], { expirationTime: Date.parse('2100-01-01T00:00:00Z') }],
  ])('is not redeemed at a Skupper grant server %s', async (_, words, annotated) => {
    const server = await at.issuing('stock');
    const place = await at.namespace();
    await at.redeemer({ words });
    await place.put({ ...server.token, ...annotated });
    const { status } = await place.waitForStatus('Refused');
    expect(status?.message).toContain('generates the private key itself');
    expect(postings(server)).toEqual([]);
    expect(await place.secrets()).toEqual([]);
  });

  it.each([
    ['Refused', 'a wrong code', false],
    ['OutcomeUnknown', 'a lost answer', true],
  ])('is left to another controller that overwrites the status %s after %s', async (verdict, _, isLost) => {
    const server = await at.issuing('stock');
    if (isLost) server.loseAnswers(1);
    const place = await at.namespace();
    const redeemer = await at.redeemer();
    const key = { namespace: place.namespace, name: 'my-link' };
    const { code } = server.token;
    await place.put({ ...server.token, code: isLost ? code : `${code}-wrong` });
    const { status } = await place.waitForStatus(verdict);
    const conditions = status?.conditions?.map((one) => ({ ...one, reason: 'Error', message: 'Theirs' }));
    const theirs = { status: { status: 'Error', message: 'Theirs', conditions } };
    const written = await at.cluster.admin.patch(ACCESS_TOKENS, key, theirs, { subresource: 'status' });
    await retryUntil('the line in the log', async () =>
      redeemer.log(place.namespace).find(({ event }) => event === 'status_overwritten'),
    );
    await at.nextToken();
    expect(await place.token()).toEqual(written);
    expect(postings(server)).toHaveLength(1);
    expect(redeemer.log(place.namespace).filter(({ event }) => event === 'status_overwritten')).toHaveLength(
      1,
    );
    if (isLost) return;
    await at.cluster.admin.patch(ACCESS_TOKENS, key, { spec: { code } });
    await place.waitForStatus('Ready');
  });

  it('is retried at growing intervals if the server has a certificate of another CA, and its unchanged status is written once', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    const redeemer = await at.redeemer();
    await place.put({ ...server.token, ca: (await makeAuthority('Another CA')).bundlePem });
    const failed = await place.waitForStatus('Error');
    expect(failed.status).toMatchObject({ redeemed: false });
    expect(server.seen).toEqual([]);
    const failures = () => redeemer.log(place.namespace).filter(({ event }) => event === 'token_failed');
    const tries = await retryUntil('three tries', async () => {
      const lines = failures();
      return lines.length >= 3 && lines.slice(0, 3);
    });
    expect(tries.map(({ code }) => code)).toEqual(Array(3).fill('tls_untrusted'));
    const [first = 0, second = 0, third = 0] = tries.map(({ retryInMs }) => Number(retryInMs));
    expect(first).toBeGreaterThanOrEqual(1_000);
    expect(second).toBeGreaterThanOrEqual(2_000);
    expect(third).toBeGreaterThanOrEqual(4_000);
    const connections = server.connections();
    // Another attempt may have started meanwhile.
    expect(connections).toBeLessThanOrEqual(failures().length + 1);
    expect(await place.token()).toEqual(failed);
    const attempts = 'linkgrant_token_attempts_total{outcome="tls_untrusted"}';
    expect(await metricOf(redeemer, attempts)).toBeGreaterThanOrEqual(3);
    expect(await metricOf(redeemer, 'linkgrant_tokens{state="open"}')).toBeGreaterThanOrEqual(1);
    expect(await metricOf(redeemer, 'linkgrant_leading')).toBe(1);
    // A corrected token is redeemed without waiting for the next attempt.
    const key = { namespace: place.namespace, name: 'my-link' };
    await at.cluster.admin.patch(ACCESS_TOKENS, key, { spec: { ca: server.token.ca } });
    await place.waitForStatus('Ready');
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['is huge', (response) => void response.end('x'.repeat(2 * 1024 * 1024)), 'larger than 256 KiB'],
    ['is of another type', (response) => void response.end('<html>FOREIGN</html>'), 'cannot be used'],
    ['is not UTF-8', (response) => void response.end(Buffer.from([0xff, 0xfe, 0x00])), 'not UTF-8'],
    [
      'is a text that Skupper does not send',
      (response) => void response.writeHead(500).end('FOREIGN words, and h7YpSvsxSCKO0j3E5zD7WULC'),
      'status 500',
    ],
    [
      'is a redirect',
      (response) => void response.writeHead(302, { location: 'https://FOREIGN.example/' }).end(),
      'redirect (status 302)',
    ],
    [
      'contains an unexpected kind',
      (response) =>
        void response.end(
          '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: FOREIGN, namespace: kube-system}\n',
        ),
      'cannot be used',
    ],
  ])('stores nothing of a response that %s, and repeats none of its text', async (_, answer, message) => {
    const server = await serveHttps((request, _incoming, response) => {
      if (request.url.endsWith('/-/check')) response.end(JSON.stringify(CHECK));
      else answer(response);
    });
    at.keep(server);
    const place = await at.namespace();
    const redeemer = await at.redeemer();
    await place.put(server.token);
    const token = await retryUntil('a status', async () => {
      const found = await place.token();
      return found.status?.message === undefined ? undefined : found;
    });
    expect(token.status).toMatchObject({ redeemed: false });
    expect(token.status?.message).toContain(message);
    expect(JSON.stringify(token.status)).not.toContain('FOREIGN');
    await retryUntil('the line in the log', async () => redeemer.log(place.namespace)[0]);
    expect(redeemer.said.stderr).not.toContain('FOREIGN');
    expect(await place.links()).toEqual([]);
    expect(namesOf(await place.secrets()).filter((name) => !name.startsWith('linkgrant-pending-'))).toEqual(
      [],
    );
  });

  it('does not print the names in a server certificate for another host', async () => {
    const identity = await makeIdentity({ hosts: ['foreign.example'] });
    const server = at.keep(await serveHttps((_request, _incoming, response) => response.end(), { identity }));
    const place = await at.namespace();
    const redeemer = await at.redeemer();
    await place.put(server.token);
    const { status } = await place.waitForStatus('Error');
    expect(status?.message).toBe('The certificate of the server at the URL is not for the host of the URL.');
    const logLine = await retryUntil('the line in the log', async () =>
      redeemer.log(place.namespace).find(({ event }) => event === 'token_failed'),
    );
    expect(logLine).toMatchObject({ code: 'tls_name' });
    expect(redeemer.said.stderr).not.toContain('foreign.example');
    expect(server.seen).toEqual([]);
  });

  it('stores its link in its own namespace, without the namespace and the finalizers in the response', async () => {
    const server = await at.issuing('linkgrant');
    const elsewhere = await at.cluster.namespace();
    const hostile = await serveHttps((request, _incoming, response) => {
      const { url, headers, body: code } = request;
      const same = { headers: headers as Readonly<Record<string, string>> };
      void post({ port: server.port, ca: server.token.ca }, url, code, same).then(({ body }) =>
        response.end(
          body.replaceAll('metadata:', `metadata:\n  namespace: ${elsewhere}\n  finalizers: ["a/b"]`),
        ),
      );
    });
    at.keep(hostile);
    const place = await at.namespace();
    await at.redeemer();
    await place.put({ ...hostile.token, name: 'my-link' });
    await place.waitForStatus('Ready');
    const { items } = await at.cluster.admin.listAll(SECRETS, { namespace: elsewhere });
    expect(namesOf(items)).toEqual([]);
    const [secret] = await place.secrets();
    expect(secret?.metadata.finalizers).toBeUndefined();
  });

  it.each([
    ['this machine', 'https://127.0.0.1:9091/metrics'],
    ['this machine by its name', 'https://localhost:9091/x'],
    ['this machine in IPv6', 'https://[::1]:9091/x'],
    ['this machine as an IPv4-mapped IPv6 address', 'https://[::ffff:127.0.0.1]:9091/x'],
    ['this machine as a number', 'https://2130706433:9091/x'],
    ['the unspecified address', 'https://0.0.0.0:9091/x'],
    ['the metadata of a cloud', 'https://169.254.169.254/latest/meta-data'],
    ['the metadata of a cloud through NAT64', 'https://[64:ff9b::a9fe:a9fe]/x'],
  ])('does not make the redeemer connect to %s', async (_, url) => {
    const place = await at.namespace();
    const redeemer = await at.redeemer({ networks: [] });
    await place.put({ ...(await at.issuing('linkgrant')).token, url });
    const { status } = await place.waitForStatus('Error');
    expect(status?.message).toContain('is at an address that this service does not connect to');
    expect(
      redeemer.log(place.namespace).filter(({ code }) => code !== undefined && code !== 'address_refused'),
    ).toEqual([]);
  });

  it('becomes Ready after a wrong clock made its certificate look expired', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    await place.put(server.token);
    const first = await at.run({ killedAt: 'before-status' });
    expect((await first.ended).signal).toBe('SIGKILL');
    await at.endLead();
    const ahead = await at.run({ clockOffsetMs: 40 * 86_400_000 });
    expect((await place.waitForStatus('Error')).status?.message).toContain(
      'the certificate of its link has expired',
    );
    await ahead.stop();
    await at.endLead();
    await at.redeemer();
    await place.waitForStatus('Ready');
    expect(server.issued()).toBe(1);
  });

  it('reports why it is not a valid token', async () => {
    const place = await at.namespace();
    await at.redeemer();
    const { token } = await at.issuing('linkgrant');
    await place.put({ ...token, url: token.url.replace('https:', 'http:') });
    expect((await place.waitForStatus('Refused')).status?.message).toBe(
      'The AccessToken cannot be used: its spec.url is http, not https.',
    );
  });

  it('is refused if another token with its URL and code led to a link under another name', async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    await at.redeemer();
    await place.put(server.token);
    await place.waitForStatus('Ready');
    await place.put({ ...server.token, name: 'same-again' });
    const { status } = await place.waitForStatus('Refused', 'same-again');
    expect(status?.message).toContain('my-link');
    expect(namesOf(await place.links())).toEqual(['my-link']);
    expect(server.issued()).toBe(1);
  });

  it("does not overwrite another owner's Secret, and sends no request until that Secret is deleted", async () => {
    const server = await at.issuing('linkgrant');
    const place = await at.namespace();
    const key = { namespace: place.namespace, name: 'my-link' };
    const theirs = await at.cluster.admin.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: key,
      data: { a: 'Yg==' },
    } as SecretResource);
    await at.redeemer();
    await place.put(server.token);
    expect((await place.waitForStatus('Error')).status?.message).toContain('already exists');
    expect(server.seen).toEqual([]);
    expect(await at.cluster.admin.get(SECRETS, key)).toEqual(theirs);
    await at.cluster.admin.delete(SECRETS, key);
    await place.waitForStatus('Ready');
  });
});
