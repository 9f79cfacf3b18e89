import { setTimeout as sleep } from 'node:timers/promises';
import { MANAGED_BY } from '../../../domain/labels.js';
import type { Checkpoint, Clock } from '../../../redemption/ports/clock.js';
import type { GrantStore } from '../../../redemption/ports/grant-store.js';
import { isApiError } from '../api/api-error.js';
import { type KubernetesClient, openKubernetesClient } from '../api/client.js';
import type { ClusterOptions } from '../api/cluster-access.js';
import { CONFIG_MAPS } from '../api/kinds.js';
import type { Resource, ResourceKey, ResourceKind } from '../api/resource.js';
import { SharedLookup } from '../controller/shared-lookup.js';
import { AttemptEvents } from './attempt-events.js';
import { CodeConfigMaps } from './code-config-maps.js';
import { codeStoreMethods } from './codes.js';
import { withStoreErrors } from './failures.js';
import { GrantAccounts, type RedemptionObserver } from './grant-accounts.js';
import { type GrantLocator, ListingLocator } from './grant-locator.js';
import { grantStoreMethods } from './grants.js';
import { ledgerStoreMethods } from './ledger.js';
import { linkStoreMethods } from './links.js';
import { RedemptionIndex } from './redemption-index.js';
import { redemptionStoreMethods } from './redemptions.js';
import { renewalStoreMethods } from './renewals.js';
import { userReader } from './revoked-by.js';
import { SealedSecrets } from './sealed-secrets.js';
import type { StoreParts } from './store-parts.js';
import { LazyStoreWatch, type StoreWatch } from './store-watch.js';
import { locateRedemptions } from './stored-redemptions.js';

// The service responds within 8 s after the arrival of a request. This leaves one second for a creation that starts just before
// the deadline: the client still gets its certificate, and no use is lost.
const DEADLINE_MS = 7_000;

/** The cluster and the settings of the store. */
export interface KubernetesStoreOptions {
  /** The service's own namespace, with the data that tenants must not see. */
  readonly serviceNamespace: string;
  /** The one namespace whose grants are served; all when absent. */
  readonly namespace?: string | undefined;
  readonly clock: Clock;
  /** Called with `before-commit` and `after-commit`. */
  readonly checkpoint?: Checkpoint | undefined;
  /** How long a redemption may wait for a slot, and a write is retried, in milliseconds; 7,000 when absent. */
  readonly deadlineMs?: number | undefined;
  /**
   * False for a user, who may have no access to the service's own namespace, and may read objects of any size; true when absent.
   */
  readonly isService?: boolean | undefined;
  /**
   * The indexes of a controller in this process. When absent, the store finds grants by listings, and starts its own watch when
   * it is first needed.
   */
  readonly indexes?: StoreIndexes | undefined;
}

/** Where the store finds grants by uid and Redemptions by id. */
interface StoreIndexes {
  readonly locator: GrantLocator;
  readonly redemptions: RedemptionIndex;
  /** Fills `redemptions`. */
  readonly watch: StoreWatch;
}

/** A grant store in a cluster, with operations that only such a store needs. */
export interface KubernetesGrantStore extends GrantStore {
  readonly redemptionObserver: RedemptionObserver;
  /**
   * Waits until `findGrant` needs no listing for this uid. Rejects with RedemptionError `overloaded` when too many lookups
   * wait for a listing, `store_unavailable` when it fails.
   */
  prepareLookup(uid: string): Promise<void>;
}

/**
 * The grant store of a cluster: a grant is an AccessGrant, and a redemption is a resource of the kind Redemption, which fills one
 * slot of its grant. The caller closes the client. Any number of processes may share the cluster.
 */
export function kubernetesStore(
  openedClient: KubernetesClient,
  options: KubernetesStoreOptions,
): KubernetesGrantStore {
  const {
    namespace,
    serviceNamespace,
    clock,
    checkpoint = () => undefined,
    deadlineMs = DEADLINE_MS,
    isService = true,
  } = options;
  const client = isService ? openedClient : withoutObjectLimit(openedClient);
  const { locator, redemptions, watch } = options.indexes ?? ownIndexes(client, options);
  const codes = new CodeConfigMaps(client, serviceNamespace);
  const sealed = new SealedSecrets(client, serviceNamespace);
  const serviceData = isService ? { codes, sealed } : withoutServiceNamespaceAccess(codes);
  const accounts = new GrantAccounts(client, locator);
  const list = (ids: readonly string[]) => locateRedemptions({ client, namespace }, ids);
  // The service shares and limits these lookups, because clients can send any number of invented ids.
  const unreported = options.indexes && new SharedLookup({ list, wait: (ms) => sleep(ms) });
  const parts: StoreParts = {
    client,
    namespace,
    accounts,
    index: redemptions,
    watch,
    unreported,
    ...serviceData,
    attempts: new AttemptEvents(client),
    readUser: isService ? async () => undefined : userReader(client),
    clock,
    checkpoint,
    deadlineMs,
  };
  const store = withStoreErrors({
    ...grantStoreMethods(parts),
    ...redemptionStoreMethods(parts),
    ...renewalStoreMethods(parts),
    ...codeStoreMethods(parts),
    ...ledgerStoreMethods(parts),
    ...linkStoreMethods(parts),
    getSetting: async () => undefined,
    // A dry run: nothing is stored. It has the label of the ConfigMaps of codes, which an admission policy may require.
    async probe() {
      const labels = { [MANAGED_BY]: 'linkgrant' };
      const metadata = { namespace: serviceNamespace, name: 'linkgrant-probe', labels };
      const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
      await client.apply(CONFIG_MAPS, resource, { fieldManager: 'linkgrant-probe', dryRun: true });
    },
    async prepareLookup(uid: string) {
      await accounts.find(uid);
    },
  });
  const opened: KubernetesGrantStore = {
    ...store,
    // Needs no actor: the API server authenticates the user, and a revocation writes this user into the resource.
    actingAs: () => opened,
    redemptionObserver: accounts,
    async close() {
      watch.close?.();
      await store.close();
    },
  };
  return opened;
}

/** Opens a {@link kubernetesStore} with its own client, which is closed with the store. Rejects with ClusterConfigError. */
export async function openKubernetesStore(
  options: KubernetesStoreOptions & ClusterOptions,
): Promise<KubernetesGrantStore> {
  const client = await openKubernetesClient(options);
  const store = kubernetesStore(client, options);
  return {
    ...store,
    async close() {
      await store.close();
      client.close();
    },
  };
}

function ownIndexes(
  client: KubernetesClient,
  { namespace, clock }: Pick<KubernetesStoreOptions, 'namespace' | 'clock'>,
): StoreIndexes {
  const redemptions = new RedemptionIndex();
  const watch = new LazyStoreWatch(client, { namespace, clock, index: redemptions });
  return { locator: new ListingLocator(client, namespace), redemptions, watch };
}

/** The client of a user's commands, which show and revoke objects of any size. A slow read delays only its own command. */
function withoutObjectLimit(client: KubernetesClient): KubernetesClient {
  return {
    ...client,
    find: <T extends Resource>(kind: ResourceKind, key: ResourceKey) => client.find<T>(kind, key),
  };
}

/**
 * The parts of a store for a user who may have no access to the service's own namespace. Codes that the user may not read
 * count as absent. Sealed answers are neither read nor erased.
 */
function withoutServiceNamespaceAccess(codes: CodeConfigMaps): Pick<StoreParts, 'codes' | 'sealed'> {
  return {
    codes: {
      find: (grantUid, jti) => unlessForbidden(codes.find(grantUid, jti), undefined),
      list: (grantUid) => unlessForbidden(codes.list(grantUid), []),
      update: (grantUid, jti, change) => codes.update(grantUid, jti, change),
      remove: (grantUid) => codes.remove(grantUid),
    },
    sealed: {
      async store({ sealedAnswer }) {
        if (sealedAnswer !== null) throw new Error('only the service can store sealed answers');
      },
      erase: async () => undefined,
      withSealedAnswer: async (redemption) => ({ ...redemption, sealedUntil: null }),
      eraseExpired: async () => 0,
    },
  };
}

async function unlessForbidden<T, U>(read: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await read;
  } catch (error) {
    if (isApiError(error, 'forbidden')) return otherwise;
    throw error;
  }
}
