import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { storedLink } from '../../src/platforms/files/link-resource.js';
import { CRDS, LINKS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import type { SecretResource } from '../../src/platforms/kubernetes/requesting/namespace-target.js';
import { json, refusalOf } from '../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { type IssuingServer, issuingServerForTest } from '../support/servers/issuing-server.js';
import {
  bootstrapRules,
  type RequestingNamespace,
  requestingNamespace,
} from './harness/requesting-namespace.js';
import { openTestCluster } from './harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster());

async function site(options?: Parameters<typeof requestingNamespace>[1]): Promise<RequestingNamespace> {
  return releaseAfterTest(await requestingNamespace(cluster, options));
}

describe('token redeem --platform kubernetes', () => {
  it('retains the fields of the received Link, and those that a user changed or added', async () => {
    const sent = {
      cost: 4,
      settings: { later: 'on' },
      labels: { 'example.com/team': 'network' },
      annotations: { 'example.com/note': 'note' },
    };
    const server = await issuingServerForTest('linkgrant', sent);
    const place = await site();
    const file = place.tokenFile(server.token);
    await place.run(['token', 'redeem', file]);
    const [received] = await place.links();
    expect(received?.spec).toMatchObject({ cost: 4, settings: sent.settings });
    expect(received?.metadata).toMatchObject({
      labels: { ...sent.labels, 'app.kubernetes.io/managed-by': 'linkgrant' },
      annotations: sent.annotations,
    });
    const key = { namespace: place.namespace, name: 'my-link' };
    await cluster.admin.patch(LINKS, key, {
      metadata: { labels: { 'example.com/team': 'other', 'example.com/mine': 'yes' } },
      spec: { settings: { later: 'off', mine: 'yes' } },
    });
    const [changed] = await place.links();
    expect(await place.run(['token', 'redeem', file])).toMatchObject({ code: 0 });
    expect(await place.links()).toEqual([changed]);
    const { stdout } = await place.run(['token', 'redeem', file, '--link-cost', '8']);
    expect(stdout).toMatch(/^In place secret\/my-link .*\nWritten link\.skupper\.io\/my-link /);
    const [updated] = await place.links();
    expect(updated?.spec).toEqual({ ...changed?.spec, cost: 8 });
    expect(updated?.metadata.labels).toEqual(changed?.metadata.labels);
    expect(updated?.metadata.annotations).toEqual(changed?.metadata.annotations);
  });
});

/** A version of the CRD of Links. */
interface CrdVersion {
  readonly schema: {
    readonly openAPIV3Schema: { properties: { spec: { properties: { routingKeys?: object } } } };
  };
}

describe('a Link to another network in a cluster', () => {
  const wanted = parse(
    readFileSync(resolve(import.meta.dirname, '../fixtures/inter-network/Link-to-hub.yaml'), 'utf8'),
  );

  async function startForeign(): Promise<IssuingServer> {
    const { endpoints, ...sent } = storedLink(wanted, '');
    return issuingServerForTest('stock', sent, endpoints);
  }

  it('has the role, routing keys, settings and cost of the received one, and repeating changes nothing', async () => {
    const server = await startForeign();
    const place = await site();
    const file = place.tokenFile(server.token);
    expect(await place.run(['token', 'redeem', file])).toMatchObject({ code: 0 });
    const [link] = await place.links();
    expect(link?.spec).toEqual(wanted.spec);
    expect(await place.run(['token', 'redeem', file])).toMatchObject({ code: 0 });
    expect(await place.links()).toEqual([link]);
  });

  it('is refused with a hint if the CRD has no routing keys, and is written without a second use after the CRD is updated', async () => {
    const name = 'links.skupper.io';
    const crd = (await cluster.admin.get(CRDS, { name })) as unknown as {
      readonly spec: { readonly versions: readonly CrdVersion[] };
    };
    const { versions } = crd.spec;
    const older = structuredClone(versions);
    for (const { schema } of older) delete schema.openAPIV3Schema.properties.spec.properties.routingKeys;
    const server = await startForeign();
    const place = await site();
    const file = place.tokenFile(server.token);
    await cluster.admin.patch(CRDS, { name }, { spec: { versions: older } });
    try {
      await retryUntil('the refusal', async () =>
        refusalOf(await place.run(['token', 'redeem', file])).error.includes("Update Skupper's CRDs"),
      );
    } finally {
      await cluster.admin.patch(CRDS, { name }, { spec: { versions } });
    }
    await retryUntil('the Link', async () => (await place.run(['token', 'redeem', file])).code === 0);
    expect((await place.links())[0]?.spec).toEqual(wanted.spec);
    expect(server.issued()).toBe(1);
  });
});

describe('a link Secret of type Opaque in a cluster', () => {
  it('is accepted as the Secret of its link by token redeem, link status and link delete', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site({
      rules: [...bootstrapRules(), { apiGroups: ['skupper.io'], resources: ['links'], verbs: ['delete'] }],
    });
    const file = place.tokenFile(server.token);
    await place.run(['token', 'redeem', file]);
    const [secret] = await place.secrets();
    if (!secret) throw new Error('there is no Secret');
    const { name, labels, annotations } = secret.metadata;
    await cluster.admin.delete(SECRETS, { namespace: place.namespace, name });
    const metadata = { name, namespace: place.namespace, labels, annotations } as Resource['metadata'];
    await cluster.admin.create(SECRETS, { ...secret, type: 'Opaque', metadata } as Resource);
    const again = await place.run(['token', 'redeem', file]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('no use was spent') });
    expect(server.issued()).toBe(1);
    const { outgoing } = json(await place.run(['link', 'status', '-o', 'json']));
    expect(outgoing).toMatchObject([{ name: 'my-link', subject: 'my-link' }]);
    expect(await place.run(['link', 'delete', 'my-link'])).toMatchObject({ code: 0 });
    expect(await place.secrets()).toEqual([]);
  });

  it('is restored with the received content, and remains of type Opaque', async () => {
    const server = await issuingServerForTest('linkgrant');
    const place = await site();
    const file = place.tokenFile(server.token);
    expect(await place.killedAt('secret-written', ['token', 'redeem', file])).toBe(true);
    const [secret] = (await place.secrets()).filter(({ type }) => type === 'kubernetes.io/tls');
    if (!secret) throw new Error('there is no Secret');
    const { name, labels, annotations } = secret.metadata;
    await cluster.admin.delete(SECRETS, { namespace: place.namespace, name });
    const metadata = { name, namespace: place.namespace, labels, annotations } as Resource['metadata'];
    const data = { ...secret.data, 'ca.crt': '' };
    await cluster.admin.create(SECRETS, { ...secret, type: 'Opaque', metadata, data } as Resource);
    expect(await place.run(['token', 'redeem', file])).toMatchObject({ code: 0 });
    const restored = await cluster.admin.get<SecretResource>(SECRETS, { namespace: place.namespace, name });
    expect([restored.type, restored.data]).toEqual(['Opaque', secret.data]);
  });
});
