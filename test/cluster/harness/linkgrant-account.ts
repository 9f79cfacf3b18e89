import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isApiError } from '../../../src/platforms/kubernetes/api/api-error.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { DeployTools } from './deploy-tools.js';
import { kubeconfigOf, serverOf } from './kubeconfig.js';
import { type Manifest, manifestsIn, overlay } from './manifests.js';
import type { TestCluster } from './test-cluster.js';

const KINDS = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

/** The namespace of the shipped manifests, which is also the name of the service account in it. */
export const LINKGRANT = 'linkgrant';

/** The shipped service account with its shipped roles, and nothing else. */
export interface LinkgrantAccount {
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string;
  /** All manifests of its overlay. */
  readonly manifests: readonly Manifest[];
  remove(): void;
}

/** Creates the shipped service account and roles. Returns a kubeconfig of the account. */
export function linkgrantAccount(cluster: TestCluster): Promise<LinkgrantAccount> {
  return shippedAccount(cluster, 'cluster', LINKGRANT);
}

/** As `linkgrantAccount`, for an overlay. `namespace` is also the name of its service account. */
export async function shippedAccount(
  cluster: TestCluster,
  name: 'cluster' | 'redeemer',
  namespace: string,
): Promise<LinkgrantAccount> {
  await cluster.namespace(namespace);
  const tools = await DeployTools.open();
  const manifests = manifestsIn(await tools.kubectl(['kustomize', overlay(name)]));
  for (const resource of manifests.filter(({ kind }) => KINDS.includes(kind))) {
    try {
      await cluster.admin.create(kindOf(resource), resource);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
  }
  const token = await tools.token(cluster.kubeconfig, { namespace, name: namespace });
  tools.close();
  const scratch = mkdtempSync(join(tmpdir(), 'linkgrant-account-'));
  const kubeconfig = join(scratch, 'kubeconfig.yaml');
  writeFileSync(kubeconfig, kubeconfigOf({ ...serverOf(cluster.kubeconfig), token, namespace }), {
    mode: 0o600,
  });
  return { kubeconfig, manifests, remove: () => rmSync(scratch, { recursive: true, force: true }) };
}

/** The ResourceKind of a resource: its plural is the kind with an appended `s`. */
export function kindOf({ apiVersion, kind, metadata }: Resource): ResourceKind {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced: metadata.namespace !== undefined,
  };
}
