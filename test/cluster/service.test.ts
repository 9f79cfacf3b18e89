import { describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, EVENTS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { buildStockClient, READERS, runStockClient } from '../stock-client/stock-client.js';
import { linkgrant } from '../support/command-line.js';
import { readOperations } from '../support/operations.js';
import { retryUntil } from '../support/retry-until.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { createGrant, readyGrant, redemptionsOf, serveCluster, writeToken } from './harness/served.js';

buildStockClient();
const { cluster, account, workplace, ...accepting } = await openAcceptingNamespace();
const west = accepting.west.namespace;
const serving = await serveCluster(workplace, account.kubeconfig, '--allow-redeem-by-key');

const readGrant = (name: string) =>
  cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace: west, name });

describe('the built service in a cluster', () => {
  it('prints the next step, and becomes ready', async () => {
    expect(serving.said.stdout).toContain(
      'Next: create an AccessGrant; the AccessGrants in every namespace become Ready',
    );
    const ready = await retryUntil('readiness', async () => {
      const { status, text } = await readOperations(serving, '/readyz');
      return status === 200 && JSON.parse(text);
    });
    expect(ready).toMatchObject({
      ready: true,
      parts: { cluster: { ready: true }, certificate: { ready: true } },
    });
  });

  it.each(READERS)(
    'returns a Secret and a Link to a Go client with the %s reader, counts the use, and records it',
    async (reader) => {
      const name = `stock-${reader}`;
      const grant = await readyGrant(cluster, west, name);
      const { uid } = grant.metadata;
      expect(grant.status?.url).toBe(`${serving.url}/${uid}`);
      const token = writeToken(workplace, grant);
      const report = await runStockClient({ token, reader, name: 'east', subject: 'a-site' });
      expect(report).toMatchObject({
        exitCode: 0,
        secretName: 'east',
        dataKeys: ['ca.crt', 'tls.crt', 'tls.key'],
        commonName: 'a-site',
      });
      expect(report.links).toMatchObject([
        {
          name: 'east',
          tlsCredentials: 'east',
          endpoints: [{ name: 'inter-router', host: '127.0.0.1' }, { name: 'edge' }],
        },
      ]);
      expect(await redemptionsOf(cluster, grant.metadata)).toHaveLength(1);
      await retryUntil('the count and the status Exhausted', async () => {
        const { status } = await readGrant(name);
        return status?.redemptions === 1 && status.status === 'Exhausted';
      });
      await retryUntil('the Event', async () => {
        const { items } = await cluster.admin.listAll<Resource & { reason: string; message: string }>(
          EVENTS,
          {
            namespace: west,
            fieldSelector: `involvedObject.uid=${uid}`,
          },
        );
        return items.some(
          ({ reason, message }) => reason === 'Redeemed' && message.includes('subject "a-site"'),
        );
      });
      const spent = await runStockClient({ token, reader, name: 'another', subject: 'another' });
      expect(spent).toMatchObject({ status: 404, error: expect.stringContaining('No such access granted') });
    },
  );

  it('stores its certificate and its own CA in its namespace', async () => {
    const { items } = await cluster.admin.listAll<Resource>(SECRETS, { namespace: LINKGRANT });
    const names = items.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(['linkgrant-server', 'linkgrant-server-ca']));
  });
});

describe('the metrics of a service in a cluster', () => {
  it('contain the number of grants in each state', async () => {
    const grantCounts = async (): Promise<Record<string, number>> => {
      const { text } = await readOperations(serving, '/metrics');
      const found = text.matchAll(/^linkgrant_grants\{state="(\w+)"\} (\d+)$/gm);
      return Object.fromEntries([...found].map(([, state, count]) => [state, Number(count)]));
    };
    const before = await grantCounts();
    const used = await readyGrant(cluster, west, 'used-up');
    await runStockClient({
      token: writeToken(workplace, used),
      reader: 'kubernetes',
      name: 'x',
      subject: 'x',
    });
    const revoked = await readyGrant(cluster, west, 'called-back');
    const annotations = { 'linkgrant.dev/revoked': 'true' };
    await cluster.admin.patch(ACCESS_GRANTS, revoked.metadata, { metadata: { annotations } });
    await createGrant(cluster, west, 'weak', { code: 'short' });
    const more = (by: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(before).map(([state, count]) => [state, count + (by[state] ?? 0)]));
    const expected = more({ exhausted: 1, revoked: 1, pending: 1 });
    await retryUntil(
      'the counts',
      async () => JSON.stringify(await grantCounts()) === JSON.stringify(expected),
    );
    expect(Object.keys(before).sort()).toEqual(['exhausted', 'expired', 'pending', 'ready', 'revoked']);
  });
});

describe('serve --platform kubernetes', () => {
  it.each([
    [['--workers', '2'], '--workers cannot be combined with --platform kubernetes'],
    [['--store', 'sqlite:/tmp/x'], '--store cannot be combined with --platform kubernetes'],
    [['--endpoint', 'edge=a:1'], '--endpoint is for the standalone platform'],
    [['--kubeconfig', '/nowhere'], 'the kubeconfig /nowhere cannot be read'],
    [['--context', 'nobody'], 'the kubeconfig has no context "nobody"'],
  ])('is refused with %j', async (words, error) => {
    const given = ['serve', '--platform', 'kubernetes', '--kubeconfig', account.kubeconfig, ...words];
    const { code, stderr } = await linkgrant(given);
    expect(stderr).toContain(`error: ${error}`);
    expect(stderr).toMatch(/\nhint: .+\n$/);
    expect(code).toBe(2);
  });

  it('reports missing permissions in the namespace of the service', async () => {
    const env = { KUBECONFIG: account.kubeconfig, LINKGRANT_PLATFORM: 'kubernetes', NAMESPACE: 'elsewhere' };
    const { code, stderr } = await linkgrant(['serve', '--external-url', 'https://127.0.0.1:1'], { env });
    // The account may read nothing in that namespace.
    expect(stderr).toContain(
      'error: the Kubernetes API: get secrets elsewhere/linkgrant-server-ca: HTTP 403',
    );
    expect(code).toBe(4);
  });
});
