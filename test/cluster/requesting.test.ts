import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LINKS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import { json, linkgrant, refusalOf } from '../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { postings, serveHttps } from '../support/servers/hostile-server.js';
import { issuingServerForTest } from '../support/servers/issuing-server.js';
import { startApiProxy } from './harness/api-proxy.js';
import {
  type RequestingNamespace,
  requestingNamespace,
  writeLinkStatus,
} from './harness/requesting-namespace.js';
import { dataOf, namesOf, textIn } from './harness/resources.js';
import { openTestCluster } from './harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster());

async function site(options?: Parameters<typeof requestingNamespace>[1]): Promise<RequestingNamespace> {
  return releaseAfterTest(await requestingNamespace(cluster, options));
}

describe('token redeem --platform kubernetes', () => {
  it('writes the Secret and the Link, owned by the Site, into the namespace, and stores nothing else', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const file = place.tokenFile({ ...server.token, linkCost: 3 });
    const ended = await place.run(['token', 'redeem', file, '-o', 'json']);
    expect(ended.stderr).toBe('');
    expect(json(ended)).toMatchObject({
      links: ['my-link'],
      source: 'linkgrant',
      alreadyRedeemed: false,
      files: [
        `secret/my-link in namespace ${place.namespace}`,
        `link.skupper.io/my-link in namespace ${place.namespace}`,
      ],
    });
    expect(postings(server)[0]?.headers.subject).toBe(place.siteUid);
    const [secret, ...others] = await place.secrets();
    const [link] = await place.links();
    expect(others).toEqual([]);
    const owner = { apiVersion: 'skupper.io/v2alpha1', kind: 'Site', name: 'east', uid: place.siteUid };
    for (const resource of [secret, link]) {
      expect(resource?.metadata.ownerReferences).toEqual([owner]);
      expect(resource?.metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'linkgrant' });
    }
    expect(secret?.type).toBe('kubernetes.io/tls');
    const certificate = new X509Certificate(textIn(secret, 'tls.crt'));
    expect(textIn(secret, 'tls.key')).toContain('PRIVATE KEY');
    expect(certificate.serialNumber.toLowerCase()).toBe(json(ended).serial);
    expect(link?.spec).toMatchObject({ tlsCredentials: 'my-link', cost: 3 });
  });

  it('returns the same link when it is repeated, without a use or a change', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const file = place.tokenFile(server.token);
    await place.run(['token', 'redeem', file]);
    const before = [...(await place.secrets()), ...(await place.links())];
    await server.close();
    const again = await place.run(['token', 'redeem', file]);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('no use was spent');
    expect([...(await place.secrets()), ...(await place.links())]).toEqual(before);
  });

  it('spends no use with --retry while the Secret of the link is damaged', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const file = place.tokenFile(server.token);
    await place.run(['token', 'redeem', file]);
    const [secret] = await place.secrets();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    // The server has not seen this key, as if the link had been renewed.
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const data = dataOf({ 'tls.key': key, 'tls.crt': 'damaged' });
    await cluster.admin.patch(SECRETS, { namespace: place.namespace, name: 'my-link' }, { data });
    const ended = await place.run(['token', 'redeem', file, '--retry']);
    expect([ended.code, server.issued()]).toEqual([4, 1]);
    expect(ended.stderr).toContain(`secret/${secret?.metadata.name} in namespace ${place.namespace}`);
  });

  it.each([
    'key-created',
    'before-post',
    'answer-received',
    'answer-stored',
    'before-write',
    'secret-written',
    'link-written',
    'outcome-written',
  ])('ends with one certificate for one use when it is killed at %s and run again', async (checkpoint) => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const file = place.tokenFile(server.token);
    expect(await place.killedAt(checkpoint, ['token', 'redeem', file])).toBe(true);
    expect(await place.run(['token', 'redeem', file])).toMatchObject({ code: 0, stderr: '' });
    expect(server.issued()).toBe(1);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
    expect(namesOf(await place.links())).toEqual(['my-link']);
  });

  it('leaves no key if a Skupper grant server refuses the code', async () => {
    const server = await issuingServerForTest('stock');
    const place = await site();
    const refusing = releaseAfterTest(
      await serveHttps(({ url }, _incoming, response) => {
        if (url.endsWith('/-/check')) response.writeHead(404).end('No such claim\n');
        else response.writeHead(403).end('Redemption of access token refused\n');
      }),
    );
    const file = place.tokenFile(refusing.token);
    expect(await place.run(['token', 'redeem', file])).toMatchObject({ code: 3 });
    expect(await place.secrets()).toEqual([]);
    // If a use may have been counted, the record of the request is retained.
    server.loseAnswers(1);
    expect(await place.run(['token', 'redeem', place.tokenFile(server.token)])).toMatchObject({ code: 4 });
    expect(await place.secrets()).toHaveLength(1);
  });

  it.each(['linkgrant', 'stock'] as const)(
    'ends with one use and one Link if one %s token is redeemed 20 times concurrently',
    async (manner) => {
      const server = await issuingServerForTest(manner);
      const place = await site();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, async () => {
          const side = await place.side();
          const { materializer } = side.openLocation();
          const subject = (await side.findSite())?.uid;
          return side.redeem({ token: server.token, subject }, materializer);
        }),
      );
      const serials = outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? outcome.value.certificate.serial : String(outcome.reason),
      );
      expect(new Set(serials).size, serials.join('\n')).toBe(1);
      expect(server.issued()).toBe(1);
      expect(namesOf(await place.secrets())).toEqual(['my-link']);
      expect(await place.links()).toHaveLength(1);
    },
  );

  it('ends with one use if the response to each kind of write is lost once after it was executed', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const proxy = releaseAfterTest(await startApiProxy(place.kubeconfig));
    const cut = new Set<string>();
    proxy.decide(({ method, path }) => {
      const write = `${method} ${path.includes('/links') ? 'link' : 'secret'}`;
      if (method === 'GET' || path.includes('dryRun') || cut.has(write)) return 'pass';
      cut.add(write);
      return 'cut';
    });
    const words = ['token', 'redeem', place.tokenFile(server.token), '-p', 'kubernetes'];
    const ended = await linkgrant([...words, '--kubeconfig', proxy.kubeconfig, '-n', place.namespace]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect([...cut].sort()).toEqual([
      'DELETE secret',
      'PATCH link',
      'PATCH secret',
      'POST secret',
      'PUT secret',
    ]);
    expect(server.issued()).toBe(1);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
    expect(await place.links()).toHaveLength(1);
  });

  it('sends no second request to a Skupper grant server without --retry', async () => {
    const server = await issuingServerForTest('stock');
    const place = await site();
    const file = place.tokenFile(server.token);
    server.loseAnswers(1);
    const lost = await place.run(['token', 'redeem', file]);
    expect(lost.code).toBe(4);
    // A concurrent run may still receive the response. A minute later the command does not wait for it.
    const where = ['-p', 'kubernetes', '--kubeconfig', place.kubeconfig, '-n', place.namespace];
    const again = await linkgrant(['token', 'redeem', file, ...where], { clockOffsetMs: 60_000 });
    expect(again.code).toBe(4);
    expect(refusalOf(again).error).toContain('its answer was lost');
    expect(postings(server)).toHaveLength(1);
    const retried = await place.run(['token', 'redeem', file, '--retry']);
    expect(retried).toMatchObject({ code: 0 });
    expect(postings(server)).toHaveLength(2);
    expect(namesOf(await place.secrets())).toEqual(['my-link']);
  });

  it.each([
    ['Secret', SECRETS, { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', data: { a: 'Yg==' } }],
    [
      'Link',
      LINKS,
      { apiVersion: 'skupper.io/v2alpha1', kind: 'Link', spec: { endpoints: [], tlsCredentials: 'mine' } },
    ],
  ])("does not overwrite another owner's %s, and sends no request", async (_, kind, fields) => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const metadata = { name: 'my-link', namespace: place.namespace };
    const theirs = await cluster.admin.create(kind, { ...fields, metadata } as Resource);
    const ended = await place.run(['token', 'redeem', place.tokenFile(server.token)]);
    expect(ended.code).toBe(1);
    expect(refusalOf(ended).error).toMatch(/my-link in namespace .* already exists/);
    expect(postings(server)).toEqual([]);
    expect(await cluster.admin.get(kind, metadata)).toEqual(theirs);
    const other = await place.run(['token', 'redeem', place.tokenFile(server.token), '--name', 'other']);
    expect(other.code).toBe(0);
  });

  it('reports what is missing before it sends a request: the site, the permission, the cluster', async () => {
    const server = await issuingServerForTest('linkgrant');
    const withoutSite = await site({ withoutSite: true });
    const noSite = await withoutSite.run(['token', 'redeem', withoutSite.tokenFile(server.token)]);
    expect(noSite.code).toBe(1);
    expect(refusalOf(noSite).error).toContain(
      `A site must exist in namespace ${withoutSite.namespace} before a token can be redeemed`,
    );
    const rules = [
      { apiGroups: ['skupper.io'], resources: ['sites', 'links'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'create', 'patch'] },
    ];
    const forbidden = await site({ rules });
    const file = forbidden.tokenFile(server.token);
    const refused = await forbidden.run(['token', 'redeem', file]);
    expect(refused.code).toBe(1);
    expect(refusalOf(refused).error).toContain('forbids the request: apply links');
    const nowhere = await forbidden.run(['token', 'redeem', file, '--context', 'nobody']);
    expect(nowhere.code).toBe(2);
    const elsewhere = await forbidden.run(['token', 'redeem', file, '--to', '/tmp/x']);
    expect(elsewhere.code).toBe(2);
    expect(postings(server)).toEqual([]);
  });

  it('waits until the controller reports the requested state, and prints its message otherwise', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const file = place.tokenFile(server.token);
    await place.run(['token', 'redeem', file]);
    await writeLinkStatus(cluster, place.namespace, 'my-link', false);
    const configured = await place.run(['token', 'redeem', file, '--wait', 'configured']);
    expect(configured).toMatchObject({ code: 0 });
    const late = await place.run(['token', 'redeem', file, '--wait', 'ready', '--deadline', '300ms']);
    expect(late.code).toBe(4);
    expect(late.stderr).toContain('not yet ready: Not Operational');
    await writeLinkStatus(cluster, place.namespace, 'my-link', true);
    expect(await place.run(['token', 'redeem', file, '--wait', 'ready'])).toMatchObject({ code: 0 });
  });

  it("applies the proxy's Secret too, and the Link names it", async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const side = await place.side();
    const proxy = { name: 'corporate', host: 'proxy.example', port: '3128' };
    const { materializer } = side.openLocation(proxy);
    await side.redeem({ token: server.token, proxyConfiguration: 'corporate' }, materializer);
    const secrets = await place.secrets();
    expect(secrets.map(({ metadata, type }) => `${metadata.name} ${type}`).sort()).toEqual([
      'corporate kubernetes.io/basic-auth',
      'my-link kubernetes.io/tls',
    ]);
    expect((await place.links())[0]).toMatchObject({
      spec: { settings: { 'proxy-configuration': 'corporate' } },
    });
    const removed = await place.run(['link', 'delete', 'my-link']);
    // The role of the Job does not permit deleting Links.
    expect(removed.code).toBe(1);
    expect(removed.stderr).toContain('forbids the request: delete links');
  });
});
