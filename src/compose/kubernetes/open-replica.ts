import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { ReadinessPart } from '../../admin/operations-app.js';
import type { Settings } from '../../config/setting-schemas.js';
import { failureLog } from '../../platforms/kubernetes/api/api-error.js';
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

/** Returns the readiness check of a controller: not ready while it reports a problem. */
export function clusterReadiness(controller: { problem(): string | undefined }): ReadinessPart {
  return {
    name: 'cluster',
    async ready() {
      const problem = controller.problem();
      if (problem !== undefined) throw new Error(problem);
    },
  };
}

/** Returns the callback of a controller that logs which replica leads. */
export function leadLog(logger: Logger, identity: string): (isLeading: boolean) => void {
  return (isLeading) => {
    if (isLeading) logger.info({ event: 'started_leading', identity }, 'this replica leads');
    else logger.info({ event: 'stopped_leading', identity }, 'this replica no longer leads');
  };
}

/** Logs a failed operation of a controller, which retries it. */
export function logClusterFailure(logger: Logger, what: string, error: unknown): void {
  const { level, fields } = failureLog(error);
  logger[level]({ event: 'cluster_failed', what, ...fields }, 'an operation failed and will be retried');
}
