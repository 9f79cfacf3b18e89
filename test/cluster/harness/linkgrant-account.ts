import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { DeployTools } from './deploy-tools.js';
import type { Manifest } from './manifests.js';
import { APPLIED, type TestCluster } from './test-cluster.js';

const KINDS = [
  ...['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
];

/** The namespace of the shipped manifests, which is also the name of the service account in it. */
export const LINKGRANT = 'linkgrant';

/** The shipped service account with its shipped roles and admission policy, and nothing else. */
export interface LinkgrantAccount {
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string;
  /** All manifests of its overlay. */
  readonly manifests: readonly Manifest[];
}

/** Applies the shipped service account, roles and admission policy. Returns a kubeconfig of the account. */
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
  const manifests = await tools.kustomize(name);
  tools.close();
  for (const resource of manifests.filter(({ kind }) => KINDS.includes(kind))) {
    await cluster.admin.apply(kindOf(resource), resource, APPLIED);
  }
  return { kubeconfig: await cluster.kubeconfigFor({ namespace, name: namespace }), manifests };
}

/** The ResourceKind of a resource, with a regular plural. */
export function kindOf({ apiVersion, kind, metadata }: Resource): ResourceKind {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural: `${kind.toLowerCase()}s`.replace(/ys$/, 'ies'),
    namespaced: metadata.namespace !== undefined,
  };
}
