import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Settings } from '../../config/setting-schemas.js';
import { openKubernetesClient } from '../../platforms/kubernetes/api/client.js';
import { ClusterConfigError } from '../../platforms/kubernetes/api/cluster-access.js';

/**
 * Opens the client of a replica of this program, with the namespace of the program and the identity with which the replica takes
 * part in leader elections. Rejects with ClusterConfigError.
 */
export async function openReplica({ kubeconfig, context, serviceNamespace }: Settings) {
  const client = await openKubernetesClient({ kubeconfig, context });
  const ownNamespace = serviceNamespace ?? client.namespace;
  if (ownNamespace === undefined) {
    client.close();
    throw new ClusterConfigError('the namespace of this program is unknown: set --service-namespace');
  }
  return { client, ownNamespace, identity: `${hostname()}_${randomUUID()}` };
}
