import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { GRANTS_LEASE, leaseAccess } from '../controller/lease-access.js';

/** Where the shipped manifests put the service. */
const USUAL_NAMESPACE = 'linkgrant';
const DEFAULT_DURATION_S = 15;
// The clocks of replicas and of who looks are not the same.
const CLOCKS_APART_MS = 60_000;

/** What the Lease of a program in a namespace tells of it. */
export type LeaseSight =
  | { readonly seen: 'leading'; readonly holder: string }
  | { readonly seen: 'stopped' | 'none' | 'forbidden' };

/** Whether a service of grants runs in a namespace, by the Lease of the replica that writes their status. */
export function seeService(client: KubernetesClient, namespace: string, now: number): Promise<LeaseSight> {
  return seeLeader(client, { namespace, name: GRANTS_LEASE }, now);
}

/** Whether somebody leads by that Lease. */
export async function seeLeader(
  client: KubernetesClient,
  lease: { readonly namespace: string; readonly name: string },
  now: number,
): Promise<LeaseSight> {
  let found: Awaited<ReturnType<ReturnType<typeof leaseAccess>['find']>>;
  try {
    found = await leaseAccess(client, lease).find();
  } catch (error) {
    if (isApiError(error, 'forbidden')) return { seen: 'forbidden' };
    throw error;
  }
  if (!found) return { seen: 'none' };
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = DEFAULT_DURATION_S } = found.record;
  const end = Date.parse(renewTime) + leaseDurationSeconds * 1_000 + CLOCKS_APART_MS;
  return holderIdentity !== '' && end > now
    ? { seen: 'leading', holder: holderIdentity }
    : { seen: 'stopped' };
}

/** The namespace of the service that serves grants of `namespace`: that itself where it has one, else the usual one. */
export async function findServiceNamespace(
  client: KubernetesClient,
  namespace: string,
  now: number,
): Promise<string> {
  const { seen } = await seeService(client, namespace, now);
  return seen === 'leading' || seen === 'stopped' ? namespace : USUAL_NAMESPACE;
}
