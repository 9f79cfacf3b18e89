import { describe, expect, it } from 'vitest';
import {
  CONFIG_MAPS,
  CRDS,
  LEASES,
  REDEMPTIONS,
  SECRETS,
} from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { TOKENS_LEASE } from '../../../src/platforms/kubernetes/controller/lease-resource.js';
import { json, linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { putSite } from '../harness/cluster-sites.js';
import { LINKGRANT, linkgrantAccount, shippedAccount } from '../harness/linkgrant-account.js';
import { personIn } from '../harness/person.js';
import { post } from '../harness/post.js';
import { REDEEMER, startRedeemer } from '../harness/redeemer.js';
import { readyGrant, serveCluster } from '../harness/served.js';
import { openTestCluster } from '../harness/test-cluster.js';

type LeaseResource = Resource & { readonly spec?: { readonly holderIdentity?: string } };

// The last test deletes a CRD.
const cluster = releaseAfterFile(await openTestCluster({ own: true }));
const account = await linkgrantAccount(cluster);
const workplace = releaseAfterFile(new Workplace());
const serving = await serveCluster(workplace, account.kubeconfig);

async function linkedNamespace(): Promise<string> {
  const namespace = await cluster.namespace();
  await putSite(cluster.admin, namespace);
  const grant = await readyGrant(cluster, namespace, 'linked', { redemptionsAllowed: 5 });
  expect(await post(serving, grant)).toMatchObject({ status: 200 });
  expect(await post(serving, grant, 'another')).toMatchObject({ status: 200 });
  return namespace;
}

const uninstall = (...words: string[]) =>
  linkgrant(['uninstall', '-p', 'kubernetes', '--kubeconfig', cluster.kubeconfig, ...words]);
const namesIn = async (kind: ResourceKind, namespace = LINKGRANT) =>
  (await cluster.admin.listAll<Resource>(kind, { namespace })).items.map(({ metadata }) => metadata.name);

describe('uninstall', () => {
  it('deletes the resources of a stopped service, and neither Redemptions nor resources of others', async () => {
    const namespace = await linkedNamespace();
    const running = await uninstall('-A', '--yes');
    expect(running.code).toBe(1);
    expect(refusalOf(running)).toMatchObject({
      error: 'the service still runs, and would recreate the deleted objects',
      hint: expect.stringContaining('delete its Deployment first'),
    });
    const planned = await uninstall('-A', '--dry-run', '-o', 'json');
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(json(planned)).toMatchObject({ removed: false });

    await serving.stop();
    const unsure = await uninstall('-n', namespace);
    expect(unsure.code).toBe(2);
    expect(unsure.stdout).toContain(`To be deleted: lease.coordination.k8s.io/`);
    expect(unsure.stdout).toContain(`  accessgrant.skupper.io/linked in namespace ${namespace}\n`);
    expect(unsure.stderr).toBe('error: nothing was removed\nhint: add --yes to delete them\n');
    await cluster.admin.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'my-link',
        namespace: LINKGRANT,
        labels: { 'app.kubernetes.io/managed-by': 'linkgrant' },
      },
    });
    const done = await uninstall('-A', '--yes', '-o', 'json');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(json(done)).toMatchObject({
      removed: true,
      redeemableGrants: [{ namespace, name: 'linked' }],
      policies: [{ name: 'linkgrant' }],
    });
    expect(await namesIn(SECRETS)).toEqual(['my-link']);
    expect(await namesIn(LEASES)).toEqual([]);
    expect((await namesIn(CONFIG_MAPS)).filter((name) => name.startsWith('linkgrant'))).toEqual([]);
    expect(await namesIn(REDEMPTIONS, namespace)).toHaveLength(2);
    const again = await uninstall('-A', '--yes');
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('There are no resources of a removed service.\n');
    const removal = 'kubectl delete validatingadmissionpolicies,validatingadmissionpolicybindings linkgrant';
    expect(again.stdout).toContain(`${removal}\n`);
  });

  it('reports what is missing, and invalid flags', async () => {
    const standalone = await linkgrant(['uninstall', '--yes']);
    expect(standalone.code).toBe(2);
    expect(refusalOf(standalone).error).toBe(
      'on standalone linkgrant has only files, which uninstall does not delete',
    );
    const one = await uninstall('--with-crd', '--yes');
    expect(one.code).toBe(2);
    expect(refusalOf(one).hint).toBe('add -A to confirm');
    const weak = await personIn(cluster, await cluster.namespace());
    const forbidden = await weak.run(['uninstall', '--yes']);
    expect(forbidden.code).toBe(3);
    expect(refusalOf(forbidden).error).toMatch(/^the API server forbids the request: /);
  });

  it('retains the Lease of a running AccessToken redeemer', async () => {
    const itsAccount = await shippedAccount(cluster, 'redeemer', REDEEMER);
    const redeemer = releaseAfterTest(await startRedeemer(itsAccount.kubeconfig));
    await retryUntil('the lead of the redeemer', async () => {
      const lease = await cluster.admin.find<LeaseResource>(LEASES, {
        namespace: REDEEMER,
        name: TOKENS_LEASE,
      });
      return lease?.spec?.holderIdentity;
    });
    const running = await uninstall('-A', '--yes', '--service-namespace', REDEEMER);
    expect(running).toMatchObject({ code: 1, stdout: '' });
    expect(refusalOf(running)).toMatchObject({
      error: 'the redeemer of AccessTokens still runs, and would recreate the deleted objects',
      hint: expect.stringContaining('delete its Deployment first'),
    });
    expect(await namesIn(LEASES, REDEEMER)).toEqual([TOKENS_LEASE]);
    expect(await redeemer.stop('SIGTERM')).toMatchObject({ code: 0 });
    const done = await uninstall('-A', '--yes', '--service-namespace', REDEEMER);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(await namesIn(LEASES, REDEEMER)).toEqual([]);
  });

  it('deletes the CRD with --with-crd', async () => {
    const serving = await serveCluster(workplace, account.kubeconfig);
    const namespace = await cluster.namespace();
    await putSite(cluster.admin, namespace);
    await post(serving, await readyGrant(cluster, namespace, 'linked'));
    await serving.stop();
    const done = await uninstall('-A', '--with-crd', '--yes');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain(
      'Deleted: customresourcedefinition.apiextensions.k8s.io/redemptions.linkgrant.dev\n',
    );
    await retryUntil(
      'the CRD to go',
      async () => !(await cluster.admin.find(CRDS, { name: 'redemptions.linkgrant.dev' })),
    );
    expect(await uninstall('-A', '--with-crd', '--yes')).toMatchObject({ code: 0, stderr: '' });
  });
});
