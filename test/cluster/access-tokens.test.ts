import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ACCESS_TOKENS, LINKS, SECRETS, SITES } from '../../src/platforms/kubernetes/kinds.js';
import type { SecretResource } from '../../src/platforms/kubernetes/requesting/namespace-place.js';
import {
  closedPort,
  type SeenRequest,
  serveHttps,
  serveTcp,
  type TestServer,
} from '../support/hostile-server.js';
import { type IssuingServer, startIssuingServer } from '../support/issuing-server.js';
import { makeAuthority } from '../support/server-identity.js';
import { type ApiProxy, startApiProxy } from './harness/api-proxy.js';
import { deleteAll } from './harness/empty-cluster.js';
import { kubeconfigThrough } from './harness/kubeconfig.js';
import { type LinkgrantAccount, shippedAccount } from './harness/linkgrant-account.js';
import { printedTable } from './harness/printed-table.js';
import { endLead, REDEEMER, type Redeemer, type RedeemerOptions, startRedeemer } from './harness/redeemer.js';
import { putRequestingSite } from './harness/requesting-namespace.js';
import { openTestCluster, type TestCluster } from './harness/test-cluster.js';
import { letIn, tokenNamespace } from './harness/token-namespace.js';
import { until } from './harness/until.js';

let cluster: TestCluster;
let account: LinkgrantAccount;
const servers: TestServer[] = [];
const redeemers: Redeemer[] = [];
const proxies: ApiProxy[] = [];

beforeAll(async () => {
  cluster = await openTestCluster();
  account = await shippedAccount(cluster, 'redeemer', REDEEMER);
});
afterEach(async () => {
  await Promise.all(redeemers.splice(0).map((redeemer) => redeemer.stop()));
  await endLead(cluster);
  await deleteAll(cluster.admin, ACCESS_TOKENS);
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(async () => {
  account?.remove();
  await cluster?.close();
});

async function start(manner: 'linkgrant' | 'stock'): Promise<IssuingServer> {
  const server = await startIssuingServer(manner);
  servers.push(server);
  return server;
}

async function run(options: RedeemerOptions & { readonly kubeconfig?: string } = {}): Promise<Redeemer> {
  const redeemer = await startRedeemer(options.kubeconfig ?? account.kubeconfig, options);
  redeemers.push(redeemer);
  return redeemer;
}

/** A way to the API server with a proxy on it. */
async function throughProxy(): Promise<{ readonly kubeconfig: string; readonly proxy: ApiProxy }> {
  const proxy = await startApiProxy(account.kubeconfig);
  proxies.push(proxy);
  const kubeconfig = `${account.kubeconfig}.${proxies.length}`;
  writeFileSync(kubeconfig, kubeconfigThrough(account.kubeconfig, proxy.url), { mode: 0o600 });
  return { kubeconfig, proxy };
}

/** Has a token of another namespace redeemed: who was to be worked on before it has been, or waits. */
async function nextToken(): Promise<void> {
  const place = await tokenNamespace(cluster);
  await place.put((await start('linkgrant')).token);
  await place.said('Ready');
}

/** Asks another server the same. */
function forward({ token, port }: TestServer, { url, headers, body }: SeenRequest): Promise<string> {
  return new Promise((settle, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path: url, method: 'POST', headers, ca: token.ca, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.once('end', () => settle(text));
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

const postings = (server: TestServer) => server.seen.filter(({ url }) => !url.endsWith('/-/check'));
const itemsOf = <T>({ items }: { readonly items: readonly T[] }) => items;
// A handshake that finds the certificate not valid now looks once more at the clock.
const CONNECTIONS_A_TRY = 2;
const CHECK = {
  state: 'ready',
  redemptions: 0,
  redemptionsAllowed: 1,
  expirationTime: '2100-01-01T00:00:00Z',
  link: { endpoints: [] },
  serverTime: new Date().toISOString(),
};
const namesOf = (resources: readonly { readonly metadata: { readonly name: string } }[]) =>
  resources.map(({ metadata }) => metadata.name).sort();
const decode = (secret: SecretResource | undefined, key: string) =>
  Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();

describe('an AccessToken', () => {
  it.each(['linkgrant', 'stock'] as const)(
    "becomes a Secret and a Link of the Site's own, from a %s server, and says so",
    async (manner) => {
      const server = await start(manner);
      const place = await tokenNamespace(cluster);
      const redeemer = await run();
      await place.put({ ...server.token, linkCost: 7 });
      const token = await place.said('Ready');
      expect(token.status).toMatchObject({ redeemed: true, status: 'Ready', message: 'OK' });
      expect(token.status?.conditions).toEqual([
        {
          type: 'Redeemed',
          status: 'True',
          reason: 'Ready',
          message: 'OK',
          observedGeneration: 1,
          lastTransitionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
      ]);
      const [secret, ...others] = await place.secrets();
      const [link] = await place.links();
      expect(others).toEqual([]);
      const owner = { apiVersion: 'skupper.io/v2alpha1', kind: 'Site', name: 'east', uid: place.siteUid };
      for (const resource of [secret, link]) expect(resource?.metadata.ownerReferences).toEqual([owner]);
      expect(link?.spec).toMatchObject({ tlsCredentials: 'my-link', cost: 7 });
      expect(new X509Certificate(decode(secret, 'tls.crt')).issuer).toContain('Test Site CA');
      const [posting, ...more] = postings(server);
      expect(more).toEqual([]);
      expect(posting?.headers).toMatchObject({ name: 'my-link', subject: place.siteUid, renews: 'true' });
      const told = await until('the line in the log', async () =>
        redeemer.log().find(({ event }) => event === 'token_redeemed'),
      );
      expect(told).toMatchObject({ namespace: place.namespace, name: 'my-link', source: manner });
      const columns = await printedTable(cluster.kubeconfig, ACCESS_TOKENS, place.namespace);
      expect(columns).toMatchObject([{ Redeemed: true, Status: 'Ready', Message: 'OK' }]);
    },
  );

  it.each([
    ...['key-created', 'before-post', 'answer-received', 'answer-stored', 'place-changing'],
    ...['secret-written', 'link-written', 'outcome-written', 'before-status'],
  ])('whose redeemer is killed at %s is redeemed by the next one, for one use', async (checkpoint) => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    await place.put(server.token);
    const first = await run({ killedAt: checkpoint });
    expect((await first.ended).signal).toBe('SIGKILL');
    expect((await place.token()).status?.redeemed ?? false).toBe(false);
    await endLead(cluster);
    await run();
    expect((await place.said('Ready')).status?.redeemed).toBe(true);
    expect(server.issued()).toBe(1);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
    expect(namesOf(await place.links())).toEqual(['my-link']);
  });

  it('is left with an unknown outcome when a crash hides whether a server that counts postings was posted to', async () => {
    const server = await start('stock');
    const place = await tokenNamespace(cluster);
    await place.put(server.token);
    const first = await run({ killedAt: 'before-post' });
    expect((await first.ended).signal).toBe('SIGKILL');
    await endLead(cluster);
    await run();
    const { status } = await place.said('OutcomeUnknown');
    expect(status).toMatchObject({ redeemed: false });
    expect(status?.message).toContain('The code was posted');
    expect(status?.message).toContain('linkgrant token redeem --retry');
    expect(postings(server)).toEqual([]);
    expect(await place.links()).toEqual([]);
  });

  it('is posted once to a stock server whose answer is lost, and its outcome is unknown', async () => {
    const server = await start('stock');
    server.loseAnswers(1);
    const place = await tokenNamespace(cluster);
    const first = await run();
    await place.put(server.token);
    const { status } = await place.said('OutcomeUnknown');
    expect(status?.message).toContain('no whole answer came back');
    await first.stop();
    await endLead(cluster);
    // Who comes next looks, and posts nothing.
    const second = await run();
    await until('another look', async () => server.seen.length > 0 && second.said.stdout !== '');
    const other = await tokenNamespace(cluster);
    await other.put((await start('linkgrant')).token);
    await other.said('Ready');
    expect((await place.token()).status).toEqual(status);
    expect(postings(server)).toHaveLength(1);
    expect(server.issued()).toBe(1);
  });

  it('whose answer of a linkgrant server is lost is redeemed all the same, for one use', async () => {
    const server = await start('linkgrant');
    server.loseAnswers(2);
    const place = await tokenNamespace(cluster);
    await run();
    await place.put(server.token);
    await place.said('Ready');
    expect(server.issued()).toBe(1);
    expect(postings(server)).toHaveLength(3);
  });

  it('is not redeemed again for a status that somebody else writes at the same time', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    const { kubeconfig, proxy } = await throughProxy();
    let conflicts = 3;
    proxy.decide(({ method, path }) => {
      if (method !== 'PATCH' || !path.includes('/accesstokens/my-link/status') || conflicts === 0)
        return 'pass';
      conflicts -= 1;
      const body = JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 });
      return { status: 409, body };
    });
    await run({ kubeconfig });
    await place.put(server.token);
    await place.said('Ready');
    expect(conflicts).toBe(0);
    expect(server.seen).toHaveLength(2);
  });

  it('is not redeemed again when its status cannot be written for a while', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    const { kubeconfig, proxy } = await throughProxy();
    let failures = 2;
    proxy.decide(({ method, path }) => {
      if (method !== 'PATCH' || !path.includes('/accesstokens/my-link/status') || failures === 0)
        return 'pass';
      failures -= 1;
      return 'drop';
    });
    await run({ kubeconfig });
    await place.put(server.token);
    await place.said('Ready');
    expect(postings(server)).toHaveLength(1);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
  });

  it('keeps the conditions that others wrote', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    await place.put(server.token);
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const theirs = { type: 'Theirs', status: 'True', reason: 'So', message: '', lastTransitionTime };
    const key = { namespace: place.namespace, name: 'my-link' };
    await cluster.admin.patch(
      ACCESS_TOKENS,
      key,
      { status: { conditions: [theirs] } },
      { subresource: 'status' },
    );
    await run();
    const { status } = await place.said('Ready');
    expect(status?.conditions?.map(({ type }) => type)).toEqual(['Theirs', 'Redeemed']);
    expect(status?.conditions?.[0]).toEqual(theirs);
  });
});

describe('an AccessToken that cannot be redeemed', () => {
  it.each([
    ['a spent grant', 404, 'No such access granted', 'redeemed as often as it allows'],
    ['a wrong code', 403, 'Redemption of access token refused', 'refused the code'],
  ])('says so of %s, and asks once', async (_, status, text, message) => {
    const server = await serveHttps((request, _incoming, response) => {
      if (request.url.endsWith('/-/check')) response.writeHead(404).end('No such claim\n');
      else response.writeHead(status).end(`${text}\n`);
    });
    servers.push(server);
    const place = await tokenNamespace(cluster);
    const redeemer = await run();
    await place.put(server.token);
    const token = await place.said('Refused');
    expect(token.status?.redeemed).toBe(false);
    expect(token.status?.message).toContain(message);
    await redeemer.stop();
    await endLead(cluster);
    // A new leader goes by what was said.
    await run();
    await nextToken();
    expect(postings(server)).toHaveLength(1);
    expect(await place.links()).toEqual([]);
  });

  it('is tried again, later and later, where the server shows a certificate of another CA', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    const redeemer = await run();
    await place.put({ ...server.token, ca: (await makeAuthority('Another CA')).bundlePem });
    const { status } = await place.said('Error');
    expect(status).toMatchObject({ redeemed: false });
    expect(server.seen).toEqual([]);
    const tries = await until('three tries', async () => {
      const lines = redeemer.log().filter(({ event }) => event === 'token_failed');
      return lines.length >= 3 && lines.slice(0, 3);
    });
    expect(tries.map(({ code }) => code)).toEqual(Array(3).fill('tls_untrusted'));
    const [first = 0, second = 0, third = 0] = tries.map(({ retryInMs }) => Number(retryInMs));
    expect(first).toBeGreaterThanOrEqual(1_000);
    expect(second).toBeGreaterThanOrEqual(2_000);
    expect(third).toBeGreaterThanOrEqual(4_000);
    expect(server.connections()).toBeLessThanOrEqual(3 * CONNECTIONS_A_TRY);
    // Mended, it does not wait for its turn.
    const key = { namespace: place.namespace, name: 'my-link' };
    await cluster.admin.patch(ACCESS_TOKENS, key, { spec: { ca: server.token.ca } });
    await place.said('Ready');
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['is huge', (response) => void response.end('x'.repeat(2 * 1024 * 1024)), 'larger than 1 MiB'],
    ['is of another type', (response) => void response.end('<html>FOREIGN</html>'), 'cannot be used'],
    ['is no text', (response) => void response.end(Buffer.from([0xff, 0xfe, 0x00])), 'not UTF-8'],
    [
      'is a text that Skupper does not say',
      (response) => void response.writeHead(500).end('FOREIGN words, and h7YpSvsxSCKO0j3E5zD7WULC'),
      'status 500',
    ],
    [
      'leads elsewhere',
      (response) => void response.writeHead(302, { location: 'https://FOREIGN.example/' }).end(),
      'redirect (status 302)',
    ],
    [
      'has what is not asked for',
      (response) =>
        void response.end(
          '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: FOREIGN, namespace: kube-system}\n',
        ),
      'cannot be used',
    ],
  ])('keeps nothing of an answer that %s, and repeats none of its words', async (_, answer, message) => {
    const server = await serveHttps((request, _incoming, response) => {
      if (request.url.endsWith('/-/check')) response.end(JSON.stringify(CHECK));
      else answer(response);
    });
    servers.push(server);
    const place = await tokenNamespace(cluster);
    const redeemer = await run();
    await place.put(server.token);
    const token = await until('a status', async () => {
      const found = await place.token();
      return found.status?.message === undefined ? undefined : found;
    });
    expect(token.status).toMatchObject({ redeemed: false });
    expect(token.status?.message).toContain(message);
    expect(JSON.stringify(token.status)).not.toContain('FOREIGN');
    await redeemer.stop('SIGTERM');
    expect(redeemer.said.stderr).not.toContain('FOREIGN');
    expect(await place.links()).toEqual([]);
    expect(namesOf(await place.secrets()).filter((name) => !name.startsWith('linkgrant-pending-'))).toEqual(
      [],
    );
  });

  it('takes of a Secret and a Link for another namespace what it knows, into its own', async () => {
    const server = await start('linkgrant');
    const elsewhere = await cluster.namespace();
    const hostile = await serveHttps((request, _incoming, response) => {
      void forward(server, request).then((body) =>
        response.end(
          body.replaceAll('metadata:', `metadata:\n  namespace: ${elsewhere}\n  finalizers: ["a/b"]`),
        ),
      );
    });
    servers.push(hostile);
    const place = await tokenNamespace(cluster);
    await run();
    await place.put({ ...hostile.token, name: 'my-link' });
    await place.said('Ready');
    expect(namesOf(await cluster.admin.listAll(SECRETS, { namespace: elsewhere }).then(itemsOf))).toEqual([]);
    const [secret] = await place.secrets();
    expect(secret?.metadata.finalizers).toBeUndefined();
  });

  it.each([
    ['this machine', 'https://127.0.0.1:9091/metrics'],
    ['this machine by its name', 'https://localhost:9091/x'],
    ['this machine in IPv6', 'https://[::1]:9091/x'],
    ["this machine in IPv6's clothes", 'https://[::ffff:127.0.0.1]:9091/x'],
    ['this machine as a number', 'https://2130706433:9091/x'],
    ['any address', 'https://0.0.0.0:9091/x'],
    ['the metadata of a cloud', 'https://169.254.169.254/latest/meta-data'],
    ['the metadata of a cloud through NAT64', 'https://[64:ff9b::a9fe:a9fe]/x'],
  ])('is connected to nothing where its URL means %s', async (_, url) => {
    const place = await tokenNamespace(cluster);
    const redeemer = await run({ networks: [] });
    await place.put({ ...(await start('linkgrant')).token, url });
    const { status } = await place.said('Error');
    expect(status?.message).toContain('is at an address that this service does not connect to');
    expect(redeemer.log().filter(({ code }) => code !== undefined && code !== 'address_refused')).toEqual([]);
  });

  it('says what is wrong with it where it is none', async () => {
    const place = await tokenNamespace(cluster);
    await run();
    const { token } = await start('linkgrant');
    await place.put({ ...token, url: token.url.replace('https:', 'http:') });
    expect((await place.said('Refused')).status?.message).toBe(
      'The AccessToken cannot be used: its spec.url is http, not https.',
    );
  });

  it("leaves somebody else's Secret alone, and posts nothing until it is out of the way", async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    const key = { namespace: place.namespace, name: 'my-link' };
    const theirs = await cluster.admin.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: key,
      data: { a: 'Yg==' },
    } as SecretResource);
    await run();
    await place.put(server.token);
    expect((await place.said('Error')).status?.message).toContain('is there already');
    expect(server.seen).toEqual([]);
    expect(await cluster.admin.get(SECRETS, key)).toEqual(theirs);
    await cluster.admin.delete(SECRETS, key);
    await place.said('Ready');
  });
});

describe('a namespace', () => {
  it('without a Site says what its tokens wait for, and they are redeemed once there is one', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster, { withoutSite: true });
    await run();
    await place.put(server.token);
    const { status } = await place.said('Pending');
    expect(status?.message).toBe(
      `A site must exist in namespace ${place.namespace} before a token can be redeemed`,
    );
    await putRequestingSite(cluster, place.namespace);
    await place.said('Ready');
    expect(server.issued()).toBe(1);
  });

  it('whose Site is gone says so of its redeemed tokens, and redeems none of them again', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    await run();
    await place.put(server.token);
    await place.said('Ready');
    // What the garbage collector takes, which does not run here.
    for (const { metadata } of await place.secrets()) await cluster.admin.delete(SECRETS, metadata);
    for (const { metadata } of await place.links()) await cluster.admin.delete(LINKS, metadata);
    await cluster.admin.delete(SITES, { namespace: place.namespace, name: 'east' });
    const { status } = await place.said('Error');
    expect(status).toMatchObject({ redeemed: true, message: 'Already redeemed for a deleted site' });
    expect(status?.conditions?.[0]).toMatchObject({ type: 'Redeemed', status: 'True', reason: 'Error' });
    await putRequestingSite(cluster, place.namespace, 'again');
    await nextToken();
    expect((await place.token()).status).toEqual(status);
    expect(server.issued()).toBe(1);
  });

  it('whose owner did not let it in is left alone, until that changes', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster, { closed: true });
    const first = await run();
    const made = await place.put(server.token);
    const told = await until('a line in the log', async () =>
      first.log().find(({ event }) => event === 'namespace_not_served'),
    );
    expect(told).toMatchObject({ namespace: place.namespace });
    await nextToken();
    expect(await place.token()).toEqual(made);
    expect(server.seen).toEqual([]);
    await letIn(cluster, place.namespace);
    await first.stop();
    await endLead(cluster);
    await run();
    await place.said('Ready');
  });

  it('with many dead tokens delays no other', async () => {
    const dead = await serveTcp(() => undefined);
    servers.push(dead);
    const place = await tokenNamespace(cluster);
    for (let number = 0; number < 50; number += 1) await place.put({ ...dead.token, name: `dead-${number}` });
    const redeemer = await run();
    await until('the dead ones to be tried', async () => dead.connections() >= 2);
    await nextToken();
    // Two at a time wait for an answer that does not come, and 48 wait for those.
    expect(dead.connections()).toBe(2);
    // Nor does it stop later for them.
    expect(await redeemer.stop('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('with a token that an unreachable server has is tried at a pace that slows down', async () => {
    const place = await tokenNamespace(cluster);
    const port = await closedPort();
    const { token } = await start('linkgrant');
    const redeemer = await run();
    await place.put({ ...token, url: `https://127.0.0.1:${port}/x` });
    expect((await place.said('Error')).status?.message).toContain('takes no connection');
    const version = (await place.token()).metadata.resourceVersion;
    await until('three tries', async () => redeemer.log().filter(({ event }) => event === 'token_failed')[2]);
    // What is said already is not written again.
    expect((await place.token()).metadata.resourceVersion).toBe(version);
    const metrics = await (await fetch(`${redeemer.operations}/metrics`)).text();
    expect(metrics).toMatch(/^linkgrant_token_attempts_total\{outcome="connection_refused"\} 3$/m);
    expect(metrics).toMatch(/^linkgrant_tokens\{state="open"\} [1-9]/m);
    expect(metrics).toMatch(/^linkgrant_leading 1$/m);
  });
});

describe('the API server', () => {
  it('may be away for a while: everything goes on by itself when it is back', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    const redeemer = await run();
    await nextToken();
    await cluster.controlPlane?.stopApiServer();
    await until('a failure', async () => redeemer.log().find(({ event }) => event === 'cluster_failed'));
    cluster.controlPlane?.startApiServer();
    await until('the API server', () => place.links());
    await place.put(server.token);
    await place.said('Ready');
    expect(server.issued()).toBe(1);
  });
});

describe('replicas', () => {
  it('let one redeem, and another takes over when it stops; both are ready', async () => {
    const server = await start('linkgrant');
    const place = await tokenNamespace(cluster);
    const replicas = [await run(), await run()];
    const leading = () =>
      Promise.all(
        replicas.map(async ({ operations }) => {
          const text = await fetch(`${operations}/metrics`).then(
            (answer) => answer.text(),
            () => '',
          );
          return /^linkgrant_leading 1$/m.test(text);
        }),
      );
    await until('a leader', async () => (await leading()).includes(true));
    for (const { operations } of replicas) {
      await until('readiness', async () => (await fetch(`${operations}/readyz`)).ok);
    }
    expect((await leading()).filter(Boolean)).toHaveLength(1);
    const [first] = await leading();
    expect(await replicas[first ? 0 : 1]?.stop('SIGTERM')).toMatchObject({ code: 0 });
    await place.put(server.token);
    await place.said('Ready');
    expect(server.issued()).toBe(1);
  });
});
