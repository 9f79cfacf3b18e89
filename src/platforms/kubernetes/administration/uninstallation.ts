import { grantState } from '../../../domain/access-grant.js';
import { MANAGED_BY } from '../../../domain/labels.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { CONFIG_MAPS, CRDS, LEASES, REDEMPTIONS, SECRETS, SECURED_ACCESSES } from '../api/kinds.js';
import type { Resource, ResourceKey, ResourceKind, ResourceMetadata, Stored } from '../api/resource.js';
import { GRANTS_LEASE, TOKENS_LEASE } from '../controller/lease-access.js';
import { readAccessGrant } from '../grants/access-grant-resource.js';
import { CODE_KEYS } from '../identity/code-key-secret.js';
import { listGrantResources } from '../store/grant-resources.js';
import { GRANT_UID, type RedemptionResource, SLOT_FINALIZER } from '../store/redemption-resource.js';
import { release } from '../store/release.js';
import { SEALED } from '../store/sealed-secrets.js';
import { toldPlainly } from './plainly.js';
import { seeLeader } from './service-lease.js';

/** A resource that is to go, in the words of kubectl. */
export interface Leftover {
  /** Such as `secret`, or `lease.coordination.k8s.io`. */
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What a service that is gone has left in a cluster. */
export interface Leftovers {
  /** Redemptions with a finalizer, which nobody takes off any more. */
  readonly held: readonly Leftover[];
  /** What the service kept for itself, and its CRD where that is to go. */
  readonly own: readonly Leftover[];
  /** Grants that could be redeemed if a service were there. */
  readonly redeemable: readonly Leftover[];
}

/** What serves grants, or what redeems AccessTokens. */
export type RunningProgram = 'service' | 'redeemer';

/** Takes away what linkgrant left in a cluster. */
export interface Uninstallation {
  /** What of linkgrant still runs in the service's namespace, as far as its Leases may be read. */
  running(): Promise<RunningProgram | undefined>;
  find(): Promise<Leftovers>;
  /** Removes it, and resolves with what was found and is gone. */
  remove(): Promise<Leftovers>;
}

const OURS = `${MANAGED_BY}=linkgrant`;
const OWN_SECRETS = ['linkgrant-server', 'linkgrant-server-ca', CODE_KEYS];
const LEASE_OF = { service: GRANTS_LEASE, redeemer: TOKENS_LEASE } as const;
const PROGRAMS: readonly RunningProgram[] = ['service', 'redeemer'];
const SETTINGS = 'linkgrant-settings';
const SECURED_ACCESS = 'linkgrant-grants';
// Others may write a Redemption meanwhile; whoever does so all the time is told of.
const MOST_PASSES = 5;

interface Place {
  /** Whose Redemptions are let go of; undefined for all. */
  readonly namespace: string | undefined;
  readonly serviceNamespace: string;
  readonly withCrd: boolean;
  readonly clock: Clock;
}

/**
 * What has to be done when a service is gone: its finalizers are taken off the Redemptions, which stay, and what it kept in its
 * own namespace is deleted; what else has linkgrant's label there, such as links, is left alone.
 */
export function uninstallation(client: KubernetesClient, place: Place): Uninstallation {
  const { namespace, serviceNamespace, clock } = place;
  const heldRedemptions = async (): Promise<readonly Stored<RedemptionResource>[]> => {
    const all = await orNone(client.listAll<RedemptionResource>(REDEMPTIONS, { namespace }));
    return all.filter(({ metadata }) => metadata.finalizers?.includes(SLOT_FINALIZER));
  };
  const find = async (): Promise<Leftovers> => {
    const [held, own, grants] = await Promise.all([
      heldRedemptions(),
      findOwn(client, place),
      listGrantResources(client, namespace).catch((error: unknown) => {
        if (isApiError(error, 'no_such_kind')) return [];
        throw error;
      }),
    ]);
    const redeemable = grants.filter(
      (grant) => grantState(readAccessGrant(grant).grant, clock()) === 'ready',
    );
    return {
      held: held.map(({ metadata }) => leftover(REDEMPTIONS, metadata)),
      own: own.map(({ kind, metadata }) => leftover(kind, metadata)),
      redeemable: redeemable.map(({ metadata }) => ({
        kind: 'accessgrant.skupper.io',
        namespace: metadata.namespace,
        name: metadata.name,
      })),
    };
  };
  return toldPlainly<Uninstallation>({
    async running() {
      for (const program of PROGRAMS) {
        const lease = { namespace: serviceNamespace, name: LEASE_OF[program] };
        if ((await seeLeader(client, lease, clock())).seen === 'leading') return program;
      }
      return undefined;
    },
    find,
    async remove() {
      const found = await find();
      let held = await heldRedemptions();
      for (let pass = 1; held.length > 0 && pass <= MOST_PASSES; pass += 1) {
        for (const redemption of held) await release(client, redemption);
        held = await heldRedemptions();
      }
      if (held.length > 0)
        throw new Error(`${held.length} Redemptions get their finalizers back all the time`);
      for (const { kind, metadata } of await findOwn(client, place)) {
        await client.delete(kind, metadata);
      }
      return found;
    },
  });
}

interface Own {
  readonly kind: ResourceKind;
  readonly metadata: ResourceKey;
}

/** In the order in which it is deleted: the CRD takes every Redemption along, and so is the last. */
async function findOwn(
  client: KubernetesClient,
  { serviceNamespace: namespace, withCrd }: Place,
): Promise<readonly Own[]> {
  const selection = { namespace, labelSelector: OURS };
  const [secrets, configMaps, accesses, leases, crd] = await Promise.all([
    client.listAll(SECRETS, selection).then(({ items }) => items),
    client.listAll(CONFIG_MAPS, selection).then(({ items }) => items),
    orNone(client.listAll(SECURED_ACCESSES, selection)),
    client.listAll(LEASES, { namespace }).then(({ items }) => items),
    withCrd ? client.find(CRDS, { name: `${REDEMPTIONS.plural}.${REDEMPTIONS.group}` }) : undefined,
  ]);
  const isOwnSecret = ({ name, labels = {} }: ResourceMetadata) =>
    OWN_SECRETS.includes(name) || SEALED in labels;
  const isOwnConfigMap = ({ name, labels = {} }: ResourceMetadata) =>
    name === SETTINGS || GRANT_UID in labels;
  const chosen = (
    kind: ResourceKind,
    items: readonly Stored<Resource>[],
    isOwn: (metadata: ResourceMetadata) => boolean = () => true,
  ): Own[] => items.filter(({ metadata }) => isOwn(metadata)).map(({ metadata }) => ({ kind, metadata }));
  return [
    ...chosen(SECURED_ACCESSES, accesses, ({ name }) => name === SECURED_ACCESS),
    ...chosen(LEASES, leases, ({ name }) => PROGRAMS.some((program) => LEASE_OF[program] === name)),
    ...chosen(CONFIG_MAPS, configMaps, isOwnConfigMap),
    ...chosen(SECRETS, secrets, isOwnSecret),
    ...chosen(CRDS, crd ? [crd] : []),
  ];
}

async function orNone<T extends Resource>(
  listed: Promise<{ readonly items: readonly Stored<T>[] }>,
): Promise<readonly Stored<T>[]> {
  try {
    return (await listed).items;
  } catch (error) {
    if (isApiError(error, 'no_such_kind')) return [];
    throw error;
  }
}

function leftover({ kind, group }: ResourceKind, { namespace, name }: ResourceKey): Leftover {
  const called = `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}`;
  return { kind: called, ...(namespace !== undefined && { namespace }), name };
}
