import type { AccessGrant } from '../../../domain/access-grant.js';
import { formatLabelSelector, type LabelSelector } from '../../../domain/label-selector.js';
import type { Checkpoint, Clock } from '../../../redemption/ports/clock.js';
import type { IssuedLink } from '../../../redemption/ports/link-store.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import { readListing, type Selection } from '../api/list-page.js';
import type { Resource, ResourceKey, Stored } from '../api/resource.js';
import type { SharedLookup } from '../controller/shared-lookup.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import type { GrantLocation } from '../grants/grant-index.js';
import { type AttemptEvents, type ListedAttemptRow, WRONG_CODE } from './attempt-events.js';
import type { CodeConfigMaps } from './code-config-maps.js';
import type { GrantAccounts } from './grant-accounts.js';
import { type RedemptionIndex, readRedemptionLocation } from './redemption-index.js';
import { fillsItsSlot, GRANT_UID, type RedemptionResource } from './redemption-resource.js';
import type { SealedSecrets } from './sealed-secrets.js';
import type { StoreWatch } from './store-watch.js';

/** The dependencies that the operations of the store share. */
export interface StoreParts {
  readonly client: KubernetesClient;
  /** The one namespace that is served; undefined for all. */
  readonly namespace: string | undefined;
  readonly accounts: GrantAccounts;
  /** Finds Redemptions by id. */
  readonly index: RedemptionIndex;
  /** Fills the index. */
  readonly watch: StoreWatch;
  /** Locates Redemptions that the watch has not reported; undefined if each lookup may list. */
  readonly unreported: SharedLookup<ResourceKey> | undefined;
  readonly codes: Pick<CodeConfigMaps, 'find' | 'list' | 'update' | 'remove'>;
  readonly sealed: Pick<SealedSecrets, 'store' | 'erase' | 'withSealedAnswer' | 'eraseExpired'>;
  readonly attempts: AttemptEvents;
  /** Reads the name of the user whose command uses the store; undefined for the service. */
  readonly readUser: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  readonly deadlineMs: number;
}

/** Raises the number of redemptions of a grant to that of its known slots, which the status may not count yet. */
export function withKnownSlots(grant: AccessGrant, accounts: GrantAccounts): AccessGrant {
  const redemptions = Math.max(grant.redemptions, accounts.cachedAccount(grant.uid)?.slots.next ?? 0);
  return { ...grant, redemptions };
}

/** Returns the results of `read`, without undefined ones, for the selected grants. */
export async function readGrants<V>(
  { client, accounts }: Pick<StoreParts, 'client' | 'accounts'>,
  selection: Selection,
  read: (grant: AccessGrant) => V | undefined,
): Promise<V[]> {
  const { items } = await readListing<AccessGrantResource, V>(
    client,
    { kind: ACCESS_GRANTS, ...selection },
    (resource) => read(withKnownSlots(readAccessGrant(resource).grant, accounts)),
  );
  return items;
}

/** The namespace of a Redemption or an Event, and the grant that it names. */
interface GrantReference {
  readonly grantUid: string;
  readonly namespace: string | undefined;
}

/**
 * Returns a filter for objects that name a grant. An object in another namespace than its grant was written by a user, and does
 * not belong to that grant. After the deletion of the grant, it cannot be distinguished from one that the service wrote.
 */
function besideGrant(
  grants: Iterable<Pick<GrantLocation, 'uid' | 'namespace'>>,
): (object: GrantReference) => boolean {
  const namespaces = new Map(Array.from(grants, ({ uid, namespace }) => [uid, namespace]));
  return ({ grantUid, namespace }) => (namespaces.get(grantUid) ?? namespace) === namespace;
}

/** Returns the same filter for a listing. Reads the grants only for a listing of all grants in all namespaces. */
async function listedBesideGrant(
  { client, namespace }: Pick<StoreParts, 'client' | 'namespace'>,
  { grantUid, grants }: GrantSelection,
): Promise<(object: GrantReference) => boolean> {
  if (namespace !== undefined || grantUid !== undefined) return () => true;
  const read = ({ metadata }: Stored<Resource>) => ({
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
  });
  return besideGrant(grants ?? (await readListing(client, { kind: ACCESS_GRANTS }, read)).items);
}

/** Selects one grant, or all. */
export interface GrantSelection {
  readonly grantUid?: string | undefined;
  /** All grants, if the caller has listed them already. */
  readonly grants?: Iterable<Pick<GrantLocation, 'uid' | 'namespace'>> | undefined;
}

/**
 * Returns the results of `read`, without undefined ones, for the Redemptions of the selected grants that are named after the slot
 * in their spec, and in the namespace of their grant. Adds these to the known slots of the grant and to the index, unless a watch
 * does.
 */
export async function readRedemptions<V>(
  parts: Pick<StoreParts, 'client' | 'namespace' | 'accounts' | 'index' | 'watch' | 'unreported'>,
  selection: GrantSelection & { readonly labels?: LabelSelector | undefined },
  read: (resource: Stored<RedemptionResource>) => V | undefined,
): Promise<V[]> {
  const { client, namespace, accounts, index, watch, unreported } = parts;
  const { grantUid, labels = [] } = selection;
  const account = grantUid === undefined ? undefined : await accounts.find(grantUid);
  const ofGrant: LabelSelector =
    grantUid === undefined ? [] : [{ key: GRANT_UID, operator: 'equals', value: grantUid }];
  const isBesideGrant = await listedBesideGrant(parts, selection);
  const listed = {
    kind: REDEMPTIONS,
    namespace: account?.namespace ?? namespace,
    labelSelector: formatLabelSelector([...ofGrant, ...labels]) || undefined,
  };
  const { items } = await readListing<RedemptionResource, V>(client, listed, (item) => {
    const isSelected =
      fillsItsSlot(item) &&
      (grantUid === undefined || item.spec.grantUid === grantUid) &&
      isBesideGrant({ grantUid: item.spec.grantUid, namespace: item.metadata.namespace });
    if (!isSelected) return undefined;
    // The watch of the service may have reported the deletion already.
    if (!unreported) account?.slots.add(item);
    // A running watch may have reported a later change or the deletion already. Links are read from the index only with a watch.
    if (!watch.isRunning) index.put({ ...readRedemptionLocation(item), link: undefined });
    return read(item);
  });
  return items;
}

/**
 * Lists the attempts at one grant, or at all grants, and separately the requests with a wrong code; only those recorded in the
 * namespace of their grant.
 */
export async function listAttemptRows(
  parts: Pick<StoreParts, 'client' | 'namespace' | 'accounts' | 'attempts'>,
  grantUid?: string,
): Promise<{ readonly rows: readonly ListedAttemptRow[]; readonly wrongCodes: readonly ListedAttemptRow[] }> {
  const { namespace, accounts, attempts } = parts;
  const account = grantUid === undefined ? undefined : await accounts.find(grantUid);
  const listed = await attempts.list(account?.namespace ?? namespace, grantUid);
  const found = listed.length === 0 ? listed : listed.filter(await listedBesideGrant(parts, { grantUid }));
  return {
    rows: found.filter(({ code }) => code !== WRONG_CODE),
    wrongCodes: found.filter(({ code }) => code === WRONG_CODE),
  };
}

/** Returns the links that the watch reports, without those in another namespace than their grant. */
export function watchedLinks({ watch, index }: Pick<StoreParts, 'watch' | 'index'>): IssuedLink[] {
  return index.links().filter(besideGrant(watch.grants()));
}

/** The links of one grant, or of all, in any order: from the watch if it runs, else from a listing. */
export async function readIssuedLinks(parts: StoreParts, grantUid?: string): Promise<IssuedLink[]> {
  if (parts.watch.isRunning) {
    await parts.watch.ready();
    const links = watchedLinks(parts);
    return grantUid === undefined ? links : links.filter((link) => link.grantUid === grantUid);
  }
  return listIssuedLinks(parts, grantUid);
}

/** The links of one grant, or of all, from a listing. */
export function listIssuedLinks(parts: StoreParts, grantUid?: string): Promise<IssuedLink[]> {
  return readRedemptions(parts, { grantUid }, (resource) => readRedemptionLocation(resource).link);
}
