import { describe, expect, it } from 'vitest';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { startIssuingServer } from '../../support/servers/issuing-server.js';
import { DeployTools } from '../harness/deploy-tools.js';
import { PODS } from '../harness/kinds.js';
import { containerOf, manifestOf, manifestsIn, overlay, POLICIES, podOf } from '../harness/manifests.js';
import { REDEEMER, startRedeemer } from '../harness/redeemer.js';
import { expectedRights, ShippedRights } from '../harness/shipped-rights.js';
import { openTestCluster } from '../harness/test-cluster.js';
import { tokenNamespace } from '../harness/token-namespace.js';

const tools = releaseAfterFile(await DeployTools.open());
const server = releaseAfterFile(await startIssuingServer('linkgrant'));
const cluster = releaseAfterFile(await openTestCluster({ controllers: true }));
const accounts = new ShippedRights(cluster, tools);
await cluster.namespace('east');
await kubectl('apply --server-side -k', overlay('redeemer'));
await kubectl('apply --server-side -k', overlay('redeemer-namespace'));
await kubectl('apply --server-side -k', POLICIES);

/** Runs kubectl. `words` is split at the spaces; each item of `more` is one argument, which can contain spaces. */
function kubectl(words: string, ...more: readonly string[]): Promise<string> {
  return tools.kubectl(['--kubeconfig', cluster.kubeconfig, ...words.split(' '), ...more]);
}

const WATCHED = { 'accesstokens.skupper.io': 'get list watch', 'sites.skupper.io': 'list watch' };
const WITH_ROLE_BINDING = {
  'accesstokens/status.skupper.io': 'patch',
  'links.skupper.io': 'get list create patch',
  secrets: 'get list create update patch delete',
};
const OWN = { 'leases.coordination.k8s.io': 'get create update' };

describe("the redeemer's manifests of kustomize", () => {
  it('permit the redeemer to read tokens and sites everywhere, and nothing more without a RoleBinding', async () => {
    const place = await cluster.namespace();
    await accounts.expectRights(REDEEMER, REDEEMER, place, expectedRights(WATCHED));
  });

  it('permit the redeemer exactly the listed verbs in a namespace with its RoleBinding', async () => {
    const { namespace } = await tokenNamespace(cluster);
    await accounts.expectRights(
      REDEEMER,
      REDEEMER,
      namespace,
      expectedRights({ ...WATCHED, ...WITH_ROLE_BINDING }),
    );
  });

  it('permit the redeemer in its own namespace only to read tokens and sites, and to use Leases', async () => {
    await accounts.expectRights(REDEEMER, REDEEMER, REDEEMER, expectedRights({ ...WATCHED, ...OWN }));
  });

  it('permit the listed verbs in one namespace and nothing in another, with the overlay redeemer-namespace', async () => {
    await accounts.expectRights(
      'east',
      REDEEMER,
      'east',
      expectedRights({ ...WATCHED, ...WITH_ROLE_BINDING, ...OWN }),
    );
    await accounts.expectRights('east', REDEEMER, await cluster.namespace(), []);
  });

  it('permit namespace administrators to bind only the role of the redeemer, with the overlay for self-service', async () => {
    const place = await cluster.namespace();
    const other = await cluster.namespace();
    const owner = await cluster.serviceAccount(place, []);
    const account = `--serviceaccount=${place}:${owner.name}`;
    await kubectl(`-n ${place} create rolebinding owner --clusterrole=admin ${account}`);
    const asOwner = (words: string) =>
      tools.run('kubectl', ['--kubeconfig', owner.kubeconfig, ...words.split(' ')]);
    const redeemer = `--serviceaccount=${REDEEMER}:${REDEEMER}`;
    const bind = (namespace: string, role: string) =>
      asOwner(`-n ${namespace} create rolebinding let-in-${role} --clusterrole=${role} ${redeemer}`);
    await retryUntil('the role admin', () =>
      accounts.mayDo(owner.kubeconfig, '-n', place, 'create', 'rolebindings'),
    );
    expect(await bind(place, REDEEMER)).toMatchObject({ code: 1 });

    await kubectl('apply --server-side -k', overlay('redeemer-self-service'));
    // A controller aggregates the ClusterRole `admin`.
    await retryUntil('the binding', async () => (await bind(place, REDEEMER)).code === 0);
    for (const role of [`${REDEEMER}-watch`, 'cluster-admin']) {
      const { code, stderr } = await bind(place, role);
      expect({ code, role }).toEqual({ code: 1, role });
      expect(stderr).toContain('attempting to grant RBAC permissions not currently held');
    }
    expect((await bind(other, REDEEMER)).stderr).toContain('cannot create resource "rolebindings"');
    const { stderr } = await asOwner(`create clusterrolebinding mine --clusterrole=${REDEEMER} ${account}`);
    expect(stderr).toContain('cannot create resource "clusterrolebindings"');
    await kubectl(`delete clusterrole ${REDEEMER}-bind`);
  });

  it('change nothing when they are applied again', async () => {
    const before = await tools.resourceVersions(cluster.kubeconfig);
    expect(before.split('\n').length).toBeGreaterThan(12);
    await kubectl('apply --server-side -k', overlay('redeemer'));
    await kubectl('apply --server-side -k', overlay('redeemer-namespace'));
    expect(await tools.resourceVersions(cluster.kubeconfig)).toBe(before);
  });

  it.each([
    ['redeemer', REDEEMER, 'every namespace that grants it access', {}],
    ['redeemer-namespace', 'east', 'namespace east', { named: 'east' }],
  ] as const)(
    'start a redeemer with the settings and permissions of the overlay %s',
    async (name, own, served, options) => {
      const place = await tokenNamespace(cluster, options);
      const account = await cluster.kubeconfigFor({ namespace: own, name: REDEEMER });
      const redeemer = await startRedeemer(account, { env: await shippedEnv(name, own), ownNamespace: own });
      expect(redeemer.said.stdout).toContain(`of ${served}`);
      await place.put(server.token);
      await place.waitForStatus('Ready');
      expect(await redeemer.stop('SIGTERM')).toMatchObject({ code: 0 });
      expect(redeemer.said.stderr).not.toContain('forbidden');
    },
  );
});

describe("the redeemer's manifests of Helm", () => {
  it('can be applied, with the permissions of redeemer.namespaces', async () => {
    const [own, place] = [await cluster.namespace(), await cluster.namespace()];
    await kubectl(`label namespace/${own} pod-security.kubernetes.io/enforce=restricted`);
    const values = `redeemer.enabled=true,grantServer.enabled=false,redeemer.namespaces={${place}}`;
    const text = await tools.template('mine-linkgrant', own, ['--set', values]);
    await tools.kubectl(['--kubeconfig', cluster.kubeconfig, 'apply', '--server-side', '-f', '-'], text);
    const name = 'mine-linkgrant-redeemer';
    await accounts.expectRights(own, name, place, expectedRights({ ...WATCHED, ...WITH_ROLE_BINDING }));
    const pod = podOf(manifestOf(manifestsIn(text), 'Deployment', name), own);
    expect(await cluster.admin.create(PODS, pod as Resource)).toMatchObject({
      spec: { serviceAccountName: name },
    });
  });

  it('are absent unless enabled', async () => {
    const text = await tools.template('linkgrant', 'linkgrant', []);
    expect(text).not.toContain('redeemer');
    const nothing = await tools.template('linkgrant', 'linkgrant', ['--set', 'grantServer.enabled=false']);
    expect(manifestsIn(nothing)).toEqual([]);
  });
});

/** The environment variables of the shipped container, with the values that they have in a pod of that namespace. */
async function shippedEnv(
  name: 'redeemer' | 'redeemer-namespace',
  namespace: string,
): Promise<Record<string, string>> {
  const manifests = await tools.kustomize(name);
  const { args, env } = containerOf(manifestOf(manifests, 'Deployment', REDEEMER));
  expect(args).toEqual(['serve']);
  return Object.fromEntries(env.map(({ name: variable, value }) => [variable, value ?? namespace]));
}
