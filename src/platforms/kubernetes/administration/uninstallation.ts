import { grantState } from '../../../domain/access-grant.js';
import { MANAGED_BY } from '../../../domain/labels.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import {
  ACCESS_GRANTS,
  ADMISSION_POLICIES,
  CONFIG_MAPS,
  CRDS,
  LEASES,
  REDEMPTIONS,
  SECRETS,
  SECURED_ACCESSES,
} from '../api/kinds.js';
import {
  type Resource,
  type ResourceKey,
  type ResourceKind,
  type ResourceMetadata,
  resourceTypeOf,
  type Stored,
} from '../api/resource.js';
import { retryUntil } from '../api/retry.js';
import { GRANTS_LEASE, TOKENS_LEASE } from '../controller/lease-resource.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import { CODE_KEYS } from '../identity/code-key-secret.js';
import { SECURED_ACCESS } from '../identity/published-address.js';
import { CA_SECRET, SERVER_SECRET } from '../identity/service-identity.js';
import { GRANT_UID } from '../store/redemption-resource.js';
import { SEALED } from '../store/sealed-secrets.js';
import { findAccountPolicies } from './account-policies.js';
import { readLeaseState } from './service-lease.js';
import { withUserErrors } from './user-errors.js';

/** A resource as kubectl names it. */
export interface Leftover {
  /** Such as `secret`, or `lease.coordination.k8s.io`. */
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

const OWN_LABEL_SELECTOR = `${MANAGED_BY}=linkgrant`;
const OWN_SECRETS = [SERVER_SECRET, CA_SECRET, CODE_KEYS];
const LEASE_OF = { service: GRANTS_LEASE, redeemer: TOKENS_LEASE } as const;
const PROGRAMS = ['service', 'redeemer'] as const;
// How long to repeat a request of the removal if the API server does not answer or has too many requests.
const RETRY_TIMEOUT_MS = 10_000;

interface UninstallationOptions {
  /** The namespace whose grants are reported; undefined for all. */
  readonly namespace: string | undefined;
  readonly serviceNamespace: string;
  readonly withCrd: boolean;
  readonly clock: Clock;
}

/**
 * The removal of a service that no longer runs: deletes its resources in its own namespace, and with `withCrd` its CRD, which
 * deletes every Redemption. Links, AccessGrants and the resources of other programs stay.
 */
export function uninstallation(client: KubernetesClient, options: UninstallationOptions) {
  const { namespace, serviceNamespace, clock } = options;
  const leftoversOf = async (own: readonly OwnResource[]) => {
    const listed = client.listAll<AccessGrantResource>(ACCESS_GRANTS, { namespace });
    const grants = await emptyIfKindUnknown(listed.then(({ items }) => items));
    const policies = await findAccountPolicies(client);
    const redeemable = grants.filter(
      (grant) => grantState(readAccessGrant(grant).grant, clock()) === 'ready',
    );
    return {
      /** Resources of the service in its own namespace, and its CRD if that is to be deleted. */
      own: own.map(({ kind, metadata }) => leftover(kind, metadata)),
      /** Grants that can be redeemed as soon as a service runs again. */
      redeemable: redeemable.map(({ metadata }) => leftover(ACCESS_GRANTS, metadata)),
      /** Admission policies, which are not deleted because they limit the accounts of every namespace. */
      policies: policies.map((key) => leftover(ADMISSION_POLICIES, key)),
    };
  };
  return withUserErrors({
    /**
     * Which program of linkgrant still runs in the service's namespace, as its Leases show. Rejects if the user may not read a
     * Lease: the program may run then.
     */
    async findRunning() {
      for (const program of PROGRAMS) {
        const lease = { namespace: serviceNamespace, name: LEASE_OF[program] };
        if ((await readLeaseState(client, lease, clock())).state === 'leading') return program;
      }
      return undefined;
    },
    find: async () => leftoversOf(await findOwn(client, options)),
    /** Deletes the resources that `find` returns as `own`, and returns the result of `find`. */
    async remove() {
      const own = await retry(() => findOwn(client, options));
      const leftovers = await retry(() => leftoversOf(own));
      for (const { kind, metadata } of own) await retry(() => client.delete(kind, metadata));
      return leftovers;
    },
  });
}

function retry<T>(operation: () => Promise<T>): Promise<T> {
  return retryUntil(performance.now() + RETRY_TIMEOUT_MS, operation);
}

/** A resource to delete. */
interface OwnResource {
  readonly kind: ResourceKind;
  readonly metadata: ResourceKey;
}

/** The resources to delete, in this order: the CRD, whose deletion deletes every Redemption, is the last. */
async function findOwn(
  client: KubernetesClient,
  { serviceNamespace: namespace, withCrd }: UninstallationOptions,
): Promise<readonly OwnResource[]> {
  const list = async (kind: ResourceKind, labelSelector?: string) =>
    (await client.listAll(kind, { namespace, labelSelector })).items;
  const [secrets, configMaps, accesses, leases, crd] = await Promise.all([
    list(SECRETS, OWN_LABEL_SELECTOR),
    list(CONFIG_MAPS, OWN_LABEL_SELECTOR),
    emptyIfKindUnknown(list(SECURED_ACCESSES, OWN_LABEL_SELECTOR)),
    list(LEASES),
    withCrd ? client.find(CRDS, { name: `${REDEMPTIONS.plural}.${REDEMPTIONS.group}` }) : undefined,
  ]);
  const isOwnSecret = ({ name, labels = {} }: ResourceMetadata) =>
    OWN_SECRETS.includes(name) || SEALED in labels;
  const select = (
    kind: ResourceKind,
    items: readonly Stored<Resource>[],
    isOwn: (metadata: ResourceMetadata) => boolean = () => true,
  ): OwnResource[] =>
    items.filter(({ metadata }) => isOwn(metadata)).map(({ metadata }) => ({ kind, metadata }));
  return [
    ...select(SECURED_ACCESSES, accesses, ({ name }) => name === SECURED_ACCESS),
    ...select(LEASES, leases, ({ name }) => name === GRANTS_LEASE || name === TOKENS_LEASE),
    ...select(CONFIG_MAPS, configMaps, ({ labels = {} }) => GRANT_UID in labels),
    ...select(SECRETS, secrets, isOwnSecret),
    ...select(CRDS, crd ? [crd] : []),
  ];
}

async function emptyIfKindUnknown<T>(listed: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await listed;
  } catch (error) {
    if (isApiError(error, 'no_such_kind')) return [];
    throw error;
  }
}

function leftover(kind: ResourceKind, { namespace, name }: ResourceKey): Leftover {
  return { kind: resourceTypeOf(kind), ...(namespace !== undefined && { namespace }), name };
}
