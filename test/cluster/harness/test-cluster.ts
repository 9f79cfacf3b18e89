import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { pathOf } from '../../../src/platforms/kubernetes/api/api-path.js';
import { exchangeJson } from '../../../src/platforms/kubernetes/api/api-transport.js';
import { type KubernetesClient, openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { openClusterAccess } from '../../../src/platforms/kubernetes/api/cluster-access.js';
import { CRDS, SERVICE_ACCOUNTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { retryUntil } from '../../support/retry-until.js';
import { CONTROL_PLANE, clusterSource } from './cluster-source.js';
import { type ControlPlane, startControlPlane } from './control-plane.js';
import { emptyCluster } from './empty-cluster.js';
import { buildPrograms } from './go-programs.js';
import { ACCESS_REVIEWS, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NAMESPACES } from './kinds.js';
import { kubeconfigOf, serverOf } from './kubeconfig.js';
import { CHART, DEPLOY } from './manifests.js';
import { sharedControlPlane } from './shared-control-plane.js';

/** A rule of a Role or ClusterRole. */
export interface AccessRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** A service account of a test. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string;
}

/** The audience and the lifetime of a token of a service account. */
export interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
}

/** An API server with RBAC and the CRDs of Skupper and of linkgrant. */
export interface TestCluster {
  /** A client with all permissions. */
  readonly admin: KubernetesClient;
  /** Path of a kubeconfig with all permissions. */
  readonly kubeconfig: string;
  /** Returns its control plane. Throws for an external cluster, and for one that test files share. */
  ownControlPlane(): ControlPlane;
  /** Creates a namespace with this name, or with a unique name. */
  namespace(name?: string): Promise<string>;
  /** Creates a service account that has the permissions `rules` in the whole cluster. */
  serviceAccount(namespace: string, rules: readonly AccessRule[]): Promise<ServiceAccount>;
  /** Writes a kubeconfig with a new token of a service account. Returns its path; `close` deletes the file. */
  kubeconfigFor(account: Pick<ServiceAccount, 'namespace' | 'name'>): Promise<string>;
  /** Requests a token of a service account (TokenRequest). */
  tokenFor(account: Pick<ServiceAccount, 'namespace' | 'name'>, spec: TokenSpec): Promise<string>;
  /** Gives a service account further permissions in the whole cluster. */
  allow(account: Pick<ServiceAccount, 'namespace' | 'name'>, rules: readonly AccessRule[]): Promise<void>;
  close(): Promise<void>;
}

/** Options with which tests apply a resource that may already exist. */
export const APPLIED = { fieldManager: 'test', force: true };
const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
/** Directories with the CRDs of Skupper and of linkgrant. */
const CRD_DIRECTORIES = [join(DEPLOY, 'crds/skupper'), join(CHART, 'files')];

type Crd = Resource & {
  readonly spec: {
    readonly group: string;
    readonly names: Pick<ResourceKind, 'kind' | 'plural'>;
    readonly versions: readonly { readonly name: string }[];
  };
};

/** Which API server a test file needs. */
export interface ClusterNeeds {
  /** An unshared one, because the file stops it or deletes a CRD. */
  readonly own?: boolean;
  /**
   * An unshared one with controllers: they remove deleted namespaces and the dependents of deleted resources, create the default
   * service account of namespaces, and aggregate roles.
   */
  readonly controllers?: boolean;
}

/** Opens the external cluster if there is one, else an empty API server. This worker's test files share it by default. */
export async function openTestCluster({
  controllers = false,
  own = controllers,
}: ClusterNeeds = {}): Promise<TestCluster> {
  const source = clusterSource(process.env);
  if (source.from === 'build') await buildPrograms(CONTROL_PLANE, source.directory);
  const shared = source.from === 'cluster' || own ? undefined : await sharedControlPlane(source.directory);
  const controlPlane =
    source.from === 'cluster' || shared
      ? undefined
      : await startControlPlane(source.directory, { controllers });
  const kubeconfig =
    shared ?? controlPlane?.kubeconfig ?? (source as { readonly kubeconfig: string }).kubeconfig;
  const scratch = mkdtempSync(join(tmpdir(), 'linkgrant-accounts-'));
  // With the default time limit, large objects could not be written and listed on a slow machine.
  const admin = await openKubernetesClient({ kubeconfig: [kubeconfig], responseTimeoutMs: 60_000 });
  const server = serverOf(kubeconfig);
  const cluster: TestCluster = {
    admin,
    kubeconfig,

    ownControlPlane() {
      if (!controlPlane) throw new Error('this test cannot stop an external or a shared cluster');
      return controlPlane;
    },

    async namespace(name = `t-${randomBytes(5).toString('hex')}`) {
      await admin.apply(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, APPLIED);
      return name;
    },

    async serviceAccount(namespace, rules) {
      const name = `a-${randomBytes(5).toString('hex')}`;
      await admin.create(SERVICE_ACCOUNTS, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name, namespace },
      });
      const account = { namespace, name, kubeconfig: await cluster.kubeconfigFor({ namespace, name }) };
      await bindRole(admin, account, rules);
      return account;
    },

    async kubeconfigFor({ namespace, name }) {
      const token = await tokenOf(kubeconfig, namespace, name);
      const file = join(scratch, `${namespace}-${name}.yaml`);
      writeFileSync(file, kubeconfigOf({ ...server, token, namespace }), { mode: 0o600 });
      return file;
    },

    tokenFor: ({ namespace, name }, spec) => tokenOf(kubeconfig, namespace, name, spec),

    allow: (account, rules) => bindRole(admin, account, rules),

    async close() {
      admin.close();
      rmSync(scratch, { recursive: true, force: true });
      await controlPlane?.stop();
    },
  };
  try {
    const hasSystemNamespaces = async () => {
      const found = await Promise.all(SYSTEM_NAMESPACES.map((name) => admin.find(NAMESPACES, { name })));
      return found.every((namespace) => namespace !== undefined);
    };
    // A failure is returned, because `retryUntil` retries errors.
    const outcome = await retryUntil(
      'the system namespaces',
      async () => controlPlane?.failure() ?? hasSystemNamespaces(),
      120_000,
    );
    if (outcome instanceof Error) throw outcome;
    await applyCrds(admin);
    if (shared) await emptyCluster(admin, SYSTEM_NAMESPACES);
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** Applies the CRDs of Skupper and of linkgrant. */
async function applyCrds(admin: KubernetesClient): Promise<void> {
  const files = CRD_DIRECTORIES.flatMap((directory) =>
    readdirSync(directory).map((file) => join(directory, file)),
  );
  const crds = files
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => parseAllDocuments(readFileSync(file, 'utf8')))
    .map((document) => document.toJS() as Crd)
    .filter(({ kind }) => kind === CRDS.kind);
  for (const crd of crds) await admin.apply(CRDS, crd, APPLIED);
  for (const { metadata, spec } of crds) {
    const { group, names, versions } = spec;
    const kind = { ...names, group, version: versions[0]?.name ?? '', namespaced: true };
    // Until its storage is ready, the API server answers 404, and then 429.
    await retryUntil(`the API of ${metadata.name}`, () => admin.list(kind));
  }
}

/** Binds a service account to a role of its own in the whole cluster. */
async function bindRole(
  admin: KubernetesClient,
  account: Pick<ServiceAccount, 'namespace' | 'name'>,
  rules: readonly AccessRule[],
): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const role = `r-${randomBytes(5).toString('hex')}`;
  const clusterRole = { apiVersion, kind: 'ClusterRole', metadata: { name: role }, rules };
  await admin.create(CLUSTER_ROLES, clusterRole);
  const { name, namespace } = account;
  await admin.create(CLUSTER_ROLE_BINDINGS, {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  } as Resource);
  await untilAllowed(admin, account, rules);
}

/**
 * Waits until the API server allows the first verb and resource of the first rule, in `targetNamespace` or the whole cluster:
 * it answers 403 until it has read a new binding. If another binding gives the account this right, this does not wait.
 */
export async function untilAllowed(
  admin: KubernetesClient,
  { namespace, name }: Pick<ServiceAccount, 'namespace' | 'name'>,
  [rule]: readonly AccessRule[],
  targetNamespace?: string,
): Promise<void> {
  if (!rule) return;
  const [resource, subresource] = (rule.resources[0] ?? '').split('/');
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: ACCESS_REVIEWS.kind,
    metadata: {},
    spec: {
      user: `system:serviceaccount:${namespace}:${name}`,
      resourceAttributes: {
        group: rule.apiGroups[0],
        resource,
        subresource,
        verb: rule.verbs[0],
        name: rule.resourceNames?.[0],
        namespace: targetNamespace,
      },
    },
  };
  await retryUntil('the new rights', async () => {
    const { status } = (await admin.create(ACCESS_REVIEWS, review as unknown as Resource)) as {
      readonly status?: { readonly allowed: boolean };
    };
    return status?.allowed;
  });
}

async function tokenOf(
  kubeconfig: string,
  namespace: string,
  name: string,
  spec: TokenSpec = {},
): Promise<string> {
  const access = await openClusterAccess({ kubeconfig: [kubeconfig] });
  try {
    const created = (await exchangeJson(access, {
      method: 'POST',
      path: pathOf(SERVICE_ACCOUNTS, { namespace, name }, {}, 'token'),
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
      description: `create token ${namespace}/${name}`,
      signal: AbortSignal.timeout(60_000),
    })) as { readonly status: { readonly token: string } };
    return created.status.token;
  } finally {
    access.close();
  }
}
