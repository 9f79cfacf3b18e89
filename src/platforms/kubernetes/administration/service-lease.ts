import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { LEASES } from '../api/kinds.js';
import { GRANTS_LEASE, type LeaseResource } from '../controller/lease-resource.js';

/** The namespace of the service in the shipped manifests. */
const DEFAULT_NAMESPACE = 'linkgrant';
const DEFAULT_DURATION_S = 15;
// The clocks of replicas and of this machine differ.
const CLOCK_SKEW_MS = 60_000;

/** The state of a Lease: it has a leader, it has expired or was released, or it does not exist. */
export type LeaseReport =
  | { readonly state: 'leading'; readonly holder: string }
  | { readonly state: 'stopped' | 'none' };

/** The state of the service's Lease; `forbidden` if the user may not read it. */
export type ServiceLeaseReport = LeaseReport | { readonly state: 'forbidden' };

/** Reads whether a service runs in a namespace, by the Lease of the replica that writes the status of grants. */
export async function readServiceState(
  client: KubernetesClient,
  namespace: string,
  now: number,
): Promise<ServiceLeaseReport> {
  try {
    return await readLeaseState(client, { namespace, name: GRANTS_LEASE }, now);
  } catch (error) {
    if (isApiError(error, 'forbidden')) return { state: 'forbidden' };
    throw error;
  }
}

/** Reads whether a Lease has a leader. Throws ApiError, also if the user may not read the Lease. */
export async function readLeaseState(
  client: KubernetesClient,
  lease: { readonly namespace: string; readonly name: string },
  now: number,
): Promise<LeaseReport> {
  const found = await client.find<LeaseResource>(LEASES, lease);
  if (!found) return { state: 'none' };
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = DEFAULT_DURATION_S } = found.spec ?? {};
  const end = Date.parse(renewTime) + leaseDurationSeconds * 1_000 + CLOCK_SKEW_MS;
  return holderIdentity !== '' && end > now
    ? { state: 'leading', holder: holderIdentity }
    : { state: 'stopped' };
}

/** The namespace of the service for grants of `namespace`: `namespace` itself if it has a Lease, else the default one. */
export async function findServiceNamespace(
  client: KubernetesClient,
  namespace: string,
  now: number,
): Promise<string> {
  const { state } = await readServiceState(client, namespace, now);
  return state === 'leading' || state === 'stopped' ? namespace : DEFAULT_NAMESPACE;
}
