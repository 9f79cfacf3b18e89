import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Redemption } from '../../src/domain/redemption.js';
import { REDEMPTIONS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import { redemptionResource, slotName } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { expectSuccess, json, refusalOf } from '../support/command-line.js';
import { directoryForTest, releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { type IssuingServer, issuingServerForTest } from '../support/servers/issuing-server.js';
import { secretDueForRenewal, startRenewingServer } from '../support/servers/renewing-server.js';
import { sampleRedemption } from '../support/store-samples.js';
import { kindOf } from './harness/linkgrant-account.js';
import {
  bootstrapResources,
  bootstrapRules,
  putRequestingSite,
  type RequestingNamespace,
  requestingNamespace,
  writeLinkStatus,
} from './harness/requesting-namespace.js';
import { namesOf, textIn } from './harness/resources.js';
import { type AccessRule, openTestCluster } from './harness/test-cluster.js';

const OPERATOR: readonly AccessRule[] = [
  { apiGroups: ['skupper.io'], resources: ['links'], verbs: ['delete'] },
  { apiGroups: ['linkgrant.dev'], resources: ['redemptions'], verbs: ['list'] },
  ...bootstrapRules(),
];

const cluster = releaseAfterFile(await openTestCluster());

async function redeemed(
  rules = OPERATOR,
): Promise<{ readonly place: RequestingNamespace; readonly server: IssuingServer }> {
  const server = await issuingServerForTest('linkgrant');
  const place = releaseAfterTest(await requestingNamespace(cluster, { rules }));
  expect(await place.run(['token', 'redeem', place.tokenFile(server.token)])).toMatchObject({ code: 0 });
  return { place, server };
}

describe('link --platform kubernetes', () => {
  it('status prints the state that the controller reports, and the expiry of the certificate', async () => {
    const { place } = await redeemed();
    await writeLinkStatus(cluster, place.namespace, 'my-link', true);
    const { outgoing } = json(await place.run(['link', 'status', '-o', 'json']));
    expect(outgoing).toMatchObject([
      {
        name: 'my-link',
        cost: 1,
        ready: true,
        status: 'Ready',
        remoteSite: 'west',
        remoteSiteId: 'the-uid-of-west',
        conditions: [
          { type: 'Configured', status: 'True', reason: 'Ready', message: 'OK' },
          { type: 'Operational', status: 'True' },
          { type: 'Ready', status: 'True' },
        ],
        notAfter: expect.any(String),
      },
    ]);
    const text = await place.run(['link', 'status', 'my-link']);
    expect(text.stdout).toMatch(/my-link +Ready +west/);
    expect((await place.run(['link', 'status', 'nobody'])).code).toBe(1);
  });

  it('status lists the incoming links from the Redemptions of the namespace', async () => {
    const place = releaseAfterTest(await requestingNamespace(cluster, { rules: OPERATOR }));
    const { namespace } = place;
    expect(json(await place.run(['link', 'status', '-o', 'json']))).toEqual({ outgoing: [], incoming: [] });
    expect((await place.run(['link', 'status'])).stdout).toContain('There are no incoming links.\n');
    const grantUid = crypto.randomUUID();
    const record = async (slot: number, changes: Partial<Redemption>, name = slotName(grantUid, slot)) => {
      const redemption = sampleRedemption(grantUid, { namespace, ...changes });
      const resource = redemptionResource(redemption, 'a-grant', slot, undefined);
      await cluster.admin.create(REDEMPTIONS, { ...resource, metadata: { ...resource.metadata, name } });
      return { redemption, key: { namespace, name } };
    };
    const east = await record(0, { name: 'from-east', subject: 'east', peer: '192.0.2.1' });
    const north = await record(1, { name: 'from-north', createdAt: east.redemption.createdAt - 1_000 });
    await record(2, { name: 'forged' }, 'forged');
    await cluster.admin.patch(REDEMPTIONS, north.key, { spec: { revoked: true } });
    const renewedUntil = '2041-01-02T03:04:05Z';
    const certificate = {
      ...{ serial: 'a', keySha256: 'a', certificateSha256: 'a', issuerSha256: 'a', pem: '' },
      notAfter: renewedUntil,
    };
    const renewal = { number: 1, renewedAt: '2031-03-04T05:06:07Z', peer: '192.0.2.1', certificate };
    const status = { notAfter: renewedUntil, renewals: [renewal] };
    await cluster.admin.patch(REDEMPTIONS, east.key, { status }, { subresource: 'status' });

    const { incoming } = json(await place.run(['link', 'status', '-o', 'json']));
    expect(incoming).toMatchObject([
      { name: 'from-north', subject: 'site-a', state: 'revoked', redemptionId: north.redemption.id },
      { name: 'from-east', subject: 'east', from: '192.0.2.1', state: 'valid', notAfter: renewedUntil },
    ]);
    const { stdout } = await place.run(['link', 'status']);
    expect(stdout).toMatch(/There are no outgoing links\.\n\nIncoming links\nNAME +SUBJECT +FROM/);
    expect(stdout).toMatch(/from-east +east +192\.0\.2\.1/);
    expect(stdout).toContain('note: a revoked link can connect until its certificate expires');
    const named = json(await place.run(['link', 'status', 'from-east', '-o', 'json']));
    expect(named).toMatchObject({ outgoing: [], incoming: [{ name: 'from-east' }] });
  });

  it('status reports that it cannot list incoming links, and lists the outgoing ones', async () => {
    const { place } = await redeemed(bootstrapRules());
    const { code, stdout } = await place.run(['link', 'status']);
    expect(code).toBe(0);
    expect(stdout).toContain('my-link');
    expect(stdout).toContain(
      `note: incoming links are not shown: you have no permission to list redemptions.linkgrant.dev in namespace ${place.namespace}\n`,
    );
    expect(json(await place.run(['link', 'status', '-o', 'json']))).not.toHaveProperty('incoming');
  });

  it('check dials the endpoints with the credentials of the namespace', async () => {
    const { place } = await redeemed();
    const ended = await place.run(['link', 'check', '-o', 'json', '--connect-to', '::127.0.0.1:1']);
    expect(ended.code).toBe(4);
    expect(json(ended).map(({ fault }: { fault: string }) => fault)).toEqual([
      'connection_refused',
      'connection_refused',
    ]);
  });

  it('update changes the given fields, and by default waits until the Link is Ready', async () => {
    const { place, server } = await redeemed();
    const late = await place.run(['link', 'update', 'my-link', '--cost', '7', '--deadline', '300ms']);
    expect(late.code).toBe(4);
    expect(late.stderr).toContain('not yet ready');
    await writeLinkStatus(cluster, place.namespace, 'my-link', true);
    expect(await place.run(['link', 'update', 'my-link', '--cost', '8'])).toMatchObject({ code: 0 });
    expect((await place.links())[0]?.spec).toMatchObject({ cost: 8, tlsCredentials: 'my-link' });
    const missing = await place.run(['link', 'update', 'my-link', '--tls-credentials', 'nobody']);
    expect(refusalOf(missing).error).toContain(`there is no Secret "nobody" in namespace ${place.namespace}`);
    // Redeeming the token again does not reset the changed fields.
    await place.run(['token', 'redeem', place.tokenFile(server.token)]);
    expect((await place.links())[0]?.spec.cost).toBe(8);
  });

  it('delete removes the Link and its Secret, and no object of others; its dry run changes nothing', async () => {
    const { place } = await redeemed();
    await cluster.admin.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'theirs', namespace: place.namespace },
    } as Resource);
    const before = [await place.links(), await place.secrets()];
    const preview = await place.run(['link', 'delete', 'my-link', '--dry-run']);
    expect([await place.links(), await place.secrets()]).toEqual(before);
    expect(preview.stdout).toContain(`Deleted secret/my-link in namespace ${place.namespace}`);
    // A completed redemption leaves no stored key in the namespace.
    expect(preview.stdout).not.toContain('stored key');
    const ended = await place.run(['link', 'delete', 'my-link']);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain(`Deleted link.skupper.io/my-link in namespace ${place.namespace}`);
    expect(ended.stdout).toMatch(
      /^note: a copy of the deleted credential can still connect until \S+, unless the accepting side cuts it off: `linkgrant redemption revoke [0-9a-f-]{36} --cut`$/m,
    );
    expect(await place.links()).toEqual([]);
    expect(namesOf(await place.secrets())).toEqual(['theirs']);
    expect((await place.run(['link', 'delete', 'my-link'])).code).toBe(1);
  });
});

describe('link renew --platform kubernetes', () => {
  async function linkDueForRenewal() {
    const place = releaseAfterTest(await requestingNamespace(cluster));
    const server = releaseAfterTest(await startRenewingServer(crypto.randomUUID()));
    const secret = await secretDueForRenewal(server);
    const side = await place.side();
    const endpoint = { name: 'inter-router', host: 'router.example.com', port: '55671', group: 'g' } as const;
    const link = { name: 'to-west', endpoints: [endpoint], tlsCredentials: 'to-west' };
    await side.openLocation().materializer.materialize(secret, [link], () => undefined);
    return { place, server, old: secret.tlsCrt };
  }

  it('renews due links with the role of the CronJob, once for concurrent runs, and leaves no key', async () => {
    const { place, server, old } = await linkDueForRenewal();
    const runs = await Promise.all(
      Array.from({ length: 3 }, () => place.run(['link', 'renew', '--all', '-o', 'json'])),
    );
    expect(runs.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual(['0 ', '0 ', '0 ']);
    expect(server.issued()).toBe(1);
    const [secret, ...others] = await place.secrets();
    expect(others).toEqual([]);
    const tlsCrt = textIn(secret, 'tls.crt');
    expect(tlsCrt).not.toBe(old);
    expect(secret?.metadata.ownerReferences?.[0]?.uid).toBe(place.siteUid);
    const again = await place.run(['link', 'renew', '--all']);
    expect(again.stdout).toContain('Not due: to-west');
  });

  it.each(['renewal-key-created', 'renewal-received', 'renewal-in-place'])(
    'leaves one Secret and no key after it is killed at %s and run again',
    async (checkpoint) => {
      const { place, server } = await linkDueForRenewal();
      expect(await place.killedAt(checkpoint, ['link', 'renew', '--all'])).toBe(true);
      expect(await place.run(['link', 'renew', 'to-west'])).toMatchObject({ code: 0 });
      expect(namesOf(await place.secrets())).toEqual(['to-west']);
      // Killed at `renewal-in-place`, the link is renewed a second time, because the command names it.
      expect(server.issued()).toBe(checkpoint === 'renewal-in-place' ? 2 : 1);
    },
  );
});

describe('deploy/bootstrap/job.yaml', () => {
  const documents = bootstrapResources();
  const container = (kind: string) => {
    const { spec } = documents.find((document) => document.kind === kind);
    return (spec.jobTemplate ?? { spec }).spec.template.spec.containers[0];
  };

  it('is accepted by the API server', async () => {
    const namespace = await cluster.namespace();
    for (const document of documents) {
      const resource = { ...document, metadata: { ...document.metadata, namespace } };
      const made = await cluster.admin.apply(kindOf(resource), resource, { fieldManager: 'test' });
      expect(made.metadata.uid).toBeTruthy();
    }
  });

  it('has a Job that waits for the site and the token, creates the link, and does not change a linked site', async () => {
    const place = releaseAfterTest(await requestingNamespace(cluster, { withoutSite: true }));
    const server = await issuingServerForTest('linkgrant');
    const mounted = directoryForTest();
    const { args } = container('Job');
    const words = args
      .filter((word: string, index: number) => word !== '--platform' && args[index - 1] !== '--platform')
      .map((word: string) => (word.startsWith('/run/secrets') ? join(mounted, 'token') : word));
    const running = place.run([...words, '-o', 'json']);
    await putRequestingSite(cluster, place.namespace);
    mkdirSync(join(mounted, 'token'));
    const { url, code, ca, name } = server.token;
    for (const [key, value] of Object.entries({ url, code, ca, name })) {
      writeFileSync(join(mounted, 'token', key), value);
    }
    await retryUntil('the Link', async () => (await place.links()).length > 0);
    await writeLinkStatus(cluster, place.namespace, name, true);
    const ended = expectSuccess(await running);
    expect(json(ended)).toMatchObject({
      links: [{ name }],
      alreadyLinked: false,
      namespace: place.namespace,
    });
    const again = await place.run([...words, '-o', 'json']);
    expect(json(again)).toMatchObject({ links: [{ name }], alreadyLinked: true });
    expect(server.issued()).toBe(1);
  });

  it('has a CronJob whose command succeeds if there are no links', async () => {
    const place = releaseAfterTest(await requestingNamespace(cluster));
    const words = container('CronJob').args.slice(0, -2);
    expect(container('CronJob').args.slice(-2)).toEqual(['--platform', 'kubernetes']);
    expect(await place.run(words)).toMatchObject({ code: 0, stdout: 'There are no links.\n', stderr: '' });
  });
});
