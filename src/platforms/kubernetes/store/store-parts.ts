import { formatLabelSelector, type LabelSelector } from '../../../domain/label-selector.js';
import type { Checkpoint, Clock } from '../../../redemption/ports/clock.js';
import type { IssuedLink } from '../../../redemption/ports/link-store.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import type { AttemptEvents } from './attempt-events.js';
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
  readonly codes: Pick<CodeConfigMaps, 'find' | 'list' | 'update' | 'forget'>;
  readonly sealed: Pick<SealedSecrets, 'store' | 'forget' | 'withSealedAnswer' | 'erase'>;
  readonly attempts: AttemptEvents;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  readonly deadlineMs: number;
}

/**
 * Lists the Redemptions of one grant, or of all, with the selected labels; only those named after the slot in their spec. Adds
 * them to the index and to the known slots of the grant.
 */
export async function listRedemptionResources(
  { client, namespace, accounts, index }: Pick<StoreParts, 'client' | 'namespace' | 'accounts' | 'index'>,
  grantUid?: string,
  labels: LabelSelector = [],
): Promise<readonly Stored<RedemptionResource>[]> {
  const account = grantUid === undefined ? undefined : await accounts.find(grantUid);
  const ofGrant: LabelSelector =
    grantUid === undefined ? [] : [{ key: GRANT_UID, operator: 'equals', value: grantUid }];
  const { items } = await client.listAll<RedemptionResource>(REDEMPTIONS, {
    namespace: account?.namespace ?? namespace,
    labelSelector: formatLabelSelector([...ofGrant, ...labels]) || undefined,
  });
  const found = items.filter(
    (item) => fillsItsSlot(item) && (grantUid === undefined || item.spec.grantUid === grantUid),
  );
  for (const item of found) {
    account?.slots.add(item);
    index.put(readRedemptionLocation(item));
  }
  return found;
}

/**
 * Returns the links that the watch reports. A Redemption in another namespace than its grant was written by a user, and is not a
 * link of that grant. After the deletion of the grant, it cannot be distinguished from one that the service wrote.
 */
export function watchedLinks({ watch, index }: Pick<StoreParts, 'watch' | 'index'>): IssuedLink[] {
  const namespaces = new Map(Array.from(watch.grants(), ({ uid, namespace }) => [uid, namespace]));
  return index
    .links()
    .filter(({ grantUid, namespace }) => (namespaces.get(grantUid) ?? namespace) === namespace);
}

/** The links of one grant, or of all, in any order: from the watch if it runs, else from a listing. */
export async function readLinks(parts: StoreParts, grantUid?: string): Promise<IssuedLink[]> {
  if (parts.watch.isRunning) {
    await parts.watch.ready();
    const links = watchedLinks(parts);
    return grantUid === undefined ? links : links.filter((link) => link.grantUid === grantUid);
  }
  const resources = await listRedemptionResources(parts, grantUid);
  return resources.flatMap((resource) => readRedemptionLocation(resource).link ?? []);
}
