import type { AccessGrant } from '../../../domain/access-grant.js';
import { BoundedMap } from '../../../time/bounded-map.js';
import { SerialQueue } from '../../../time/serial-queue.js';
import { SharedRead } from '../../../time/shared-read.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import type { GrantLocator } from './grant-locator.js';
import { KnownSlots } from './known-slots.js';
import type { RedemptionLocation } from './redemption-index.js';
import { GRANT_UID, grantUidOfSlot, type RedemptionResource, slotName } from './redemption-resource.js';

/** Receives what a watch reports about Redemptions, for a cache of their slots. */
export interface RedemptionObserver {
  /** Records a Redemption, so that it need not be read; may be called late, or twice. */
  observe(redemption: Stored<RedemptionResource>): void;
  /** Removes a Redemption that was deleted. */
  observeDeletion(redemption: RedemptionLocation): void;
  /** Removes all Redemptions, because the watch was interrupted and may not have reported every deletion. */
  observeInterruption(): void;
}

/** What this process has cached about one grant: its slots, the grant itself, and the shared reads that update both. */
export interface GrantAccount {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly slots: KnownSlots;
  /** Reads the grant; undefined if it was deleted. */
  readonly grant: SharedRead<AccessGrant | undefined>;
  /** Reads slots until every filled slot is known. */
  readonly filledSlots: SharedRead<void>;
  /** Removes a Redemption that was deleted, also if a read of the slots found it before its deletion. */
  forget(redemption: RedemptionLocation): void;
  /**
   * True if a listing of the slots is needed: `status.redemptions` of the grant is greater than `slots.next`, and greater
   * than before the last listing.
   */
  readonly isBehind: boolean;
  /** Makes this process create one Redemption of the grant at a time. */
  readonly queue: SerialQueue;
}

// Number of slots that are read one by one before a listing, which makes the API server read every Redemption of the namespace.
const SLOTS_READ_SINGLY = 3;
// An account needs a few hundred bytes, at most 3 KB, for each Redemption that exists, and few grants have many uses.
const MAX_ACCOUNTS = 5_000;
// A redemption reads its grant twice, and soon after each other. A grant may have several hundred KB.
const MAX_READ_GRANTS = 100;

/** A cache of the accounts of the most recently used grants. */
export class GrantAccounts implements RedemptionObserver {
  readonly #client: KubernetesClient;
  readonly #locator: GrantLocator;
  /** By grant uid. */
  readonly #accounts = new BoundedMap<string, GrantAccount>(MAX_ACCOUNTS);
  /** The accounts that retain the value of their last read of the grant, oldest read first. */
  readonly #withGrant = new Set<GrantAccount>();

  constructor(client: KubernetesClient, locator: GrantLocator) {
    this.#client = client;
    this.#locator = locator;
  }

  /** The account of a grant; undefined if there is no such grant. */
  async find(uid: string): Promise<GrantAccount | undefined> {
    const cached = this.cachedAccount(uid);
    if (cached) return this.#use(cached);
    const key = await this.#locator.locate(uid);
    if (!key) return undefined;
    const create = () => createAccount(this.#client, uid, key, (account) => this.#retainGrant(account));
    return this.#use(this.cachedAccount(uid) ?? create());
  }

  /** The account of a grant, if it is cached. */
  cachedAccount(uid: string): GrantAccount | undefined {
    return this.#accounts.get(uid);
  }

  /** Adds a Redemption that a watch reported to the account of its grant, if that is cached. */
  observe(redemption: Stored<RedemptionResource>): void {
    const { metadata, spec } = redemption;
    const account = this.#accounts.get(spec.grantUid);
    // A user of another namespace may write a Redemption there that names this grant.
    if (account && account.namespace === metadata.namespace) account.slots.add(redemption);
  }

  observeDeletion(redemption: RedemptionLocation): void {
    const { name, namespace } = redemption;
    const account = this.#accounts.get(grantUidOfSlot(name));
    if (account?.namespace === namespace) account.forget(redemption);
  }

  /** Removes all accounts. A redemption in progress continues with its account, which the watch no longer updates. */
  observeInterruption(): void {
    this.#accounts.clear();
  }

  forget(uid: string): void {
    this.#accounts.delete(uid);
  }

  #retainGrant(account: GrantAccount): void {
    this.#withGrant.delete(account);
    const [oldest] = this.#withGrant.add(account);
    if (oldest === undefined || this.#withGrant.size <= MAX_READ_GRANTS) return;
    oldest.grant.dropValue();
    this.#withGrant.delete(oldest);
  }

  /** Makes an account the most recently used one. */
  #use(account: GrantAccount): GrantAccount {
    this.#accounts.set(account.uid, account);
    return account;
  }
}

/** Creates an account without slots. `onRead` is called with the account before each read of its grant. */
function createAccount(
  client: KubernetesClient,
  uid: string,
  key: ResourceKey,
  onRead: (account: GrantAccount) => void,
): GrantAccount {
  const { namespace = '', name } = key;
  const slots = new KnownSlots(uid);
  /** `status.redemptions` of the grant at its last read. */
  let statusCount = 0;
  /** The highest `statusCount` at the start of a listing. */
  let statusCountBeforeListing = 0;

  /** The ids of the Redemptions that were deleted during a read of the slots; undefined while none runs. */
  let deletedIds: Set<string> | undefined;

  const forget = ({ id, name }: Pick<RedemptionLocation, 'id' | 'name'>): void => {
    deletedIds?.add(id);
    slots.remove({ id, name });
  };
  const add = (redemption: Stored<RedemptionResource>): void => {
    slots.add(redemption);
    const { metadata, spec } = redemption;
    if (deletedIds?.has(spec.id)) slots.remove({ id: spec.id, name: metadata.name });
  };
  const list = async (): Promise<void> => {
    const countBefore = statusCount;
    const selection = { namespace, labelSelector: `${GRANT_UID}=${uid}` };
    await readListing<RedemptionResource, void>(client, { kind: REDEMPTIONS, ...selection }, add);
    statusCountBeforeListing = Math.max(statusCountBeforeListing, countBefore);
  };

  const readSlots = async (): Promise<void> => {
    // If Redemptions were deleted by hand, filled slots follow a free one: only a listing finds all.
    if (account.isBehind) await list();
    for (let read = 1; ; read += 1) {
      const { next } = slots;
      const slot = { namespace, name: slotName(uid, next) };
      const found = await client.find<RedemptionResource>(REDEMPTIONS, slot, { isLimited: true });
      if (!found) return;
      add(found);
      if (read % SLOTS_READ_SINGLY === 0) await list();
    }
  };

  const account: GrantAccount = {
    uid,
    namespace,
    name,
    slots,
    grant: new SharedRead(async () => {
      const key = { namespace, name };
      onRead(account);
      const found = await client.find<AccessGrantResource>(ACCESS_GRANTS, key, { isLimited: true });
      if (found?.metadata.uid !== uid) return undefined;
      const { grant } = readAccessGrant(found);
      statusCount = grant.redemptions;
      return grant;
    }),
    filledSlots: new SharedRead(async () => {
      deletedIds = new Set();
      await readSlots().finally(() => {
        deletedIds = undefined;
      });
    }),
    forget,
    get isBehind() {
      return statusCount > Math.max(slots.next, statusCountBeforeListing);
    },
    queue: new SerialQueue(),
  };
  return account;
}
