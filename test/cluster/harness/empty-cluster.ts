import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS, EVENTS, REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind, Stored } from '../../../src/platforms/kubernetes/api/resource.js';

const AT_ONCE = 20;

/** Deletes every AccessGrant, Redemption and Event of the cluster, whatever keeps it. */
export async function emptyCluster(admin: KubernetesClient): Promise<void> {
  for (const kind of [ACCESS_GRANTS, REDEMPTIONS, EVENTS]) await deleteAll(admin, kind);
}

/** Deletes every resource of a kind, in one namespace or in all. */
export async function deleteAll(
  admin: KubernetesClient,
  kind: ResourceKind,
  namespace?: string,
): Promise<void> {
  const { items } = await admin.listAll(kind, { namespace });
  const deleting = items.values();
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
