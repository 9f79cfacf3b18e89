import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import {
  ACCESS_GRANTS,
  ACCESS_TOKENS,
  ADMISSION_POLICIES,
  ADMISSION_POLICY_BINDINGS,
  CONFIG_MAPS,
  DEPLOYMENTS,
  EVENTS,
  LEASES,
  LINKS,
  REDEMPTIONS,
  ROUTER_ACCESSES,
  SECRETS,
  SECURED_ACCESSES,
  SERVICE_ACCOUNTS,
  SERVICES,
  SITES,
} from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind, Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from './kinds.js';

const OF_GRANTS = [ACCESS_GRANTS, REDEMPTIONS, EVENTS];
const OF_SITES = [SITES, LINKS, ACCESS_TOKENS, ROUTER_ACCESSES, SECURED_ACCESSES];
const OF_PROGRAMS = [SECRETS, CONFIG_MAPS, SERVICES, LEASES, DEPLOYMENTS];
const OF_ACCOUNTS = [
  ...[ROLE_BINDINGS, ROLES, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, SERVICE_ACCOUNTS],
  ...[ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS],
];
const AT_ONCE = 20;

/** Deletes every AccessGrant, Redemption and Event of the cluster, and removes their finalizers. */
export async function deleteGrants(admin: KubernetesClient): Promise<void> {
  for (const kind of OF_GRANTS) await deleteAll(admin, kind);
}

/** Deletes the resources of the kinds above that earlier tests left in the cluster, except those in system namespaces. */
export async function emptyCluster(
  admin: KubernetesClient,
  systemNamespaces: readonly string[],
): Promise<void> {
  const isOfTests = ({ metadata: { name, namespace, labels } }: Stored<Resource>) =>
    !systemNamespaces.includes(namespace ?? '') &&
    labels?.['kubernetes.io/bootstrapping'] === undefined &&
    !name.startsWith('system:');
  for (const kind of [...OF_ACCOUNTS, ...OF_PROGRAMS, ...OF_SITES, ...OF_GRANTS]) {
    await deleteAll(admin, kind, undefined, isOfTests);
  }
}

/** Deletes the resources of a kind that `isDeleted` selects, in one namespace or in all. */
export async function deleteAll(
  admin: KubernetesClient,
  kind: ResourceKind,
  namespace?: string,
  isDeleted: (item: Stored<Resource>) => boolean = () => true,
): Promise<void> {
  const { items } = await admin.listAll(kind, { namespace });
  const deleting = items.filter(isDeleted).values();
  const work = async (): Promise<void> => {
    for (const item of deleting) await deleteOne(admin, kind, item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function deleteOne(admin: KubernetesClient, kind: ResourceKind, item: Stored<Resource>): Promise<void> {
  const { metadata } = item;
  if (metadata.finalizers) await admin.patch(kind, metadata, { metadata: { finalizers: null } });
  await admin.delete(kind, metadata);
}
