import type { Clock } from '../../../redemption/ports/clock.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import { LiveRead } from '../api/live-read.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import { type AccessGrantResource, timeOf } from '../grants/access-grant-resource.js';
import type { GrantLocator } from './grant-locator.js';
import { KnownSlots } from './known-slots.js';
import { GRANT_UID, type RedemptionResource, slotName, slotOf, turnOf } from './redemption-resource.js';
import { SlotLine } from './slot-line.js';
import { SlotTurns } from './slot-turns.js';

/** What this process knows of one grant, and how it reads the rest. */
export interface GrantAccount {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly slots: KnownSlots;
  /**
   * The grant as the cluster has it after a moment (as `performance.now()` tells it); undefined if there is none of this uid
   * any more. Where others wait for its slots one read in a while is for all of them, but whoever all of them wait for has no
   * patience.
   */
  grantSince(moment: number, isFirst?: boolean): Promise<Stored<AccessGrantResource> | undefined>;
  /** Resolves when every slot that was filled before a moment is known. */
  readonly filled: LiveRead<void>;
  /** This process's turns among others. */
  readonly turns: SlotTurns;
  /** The slots that this process is filling. */
  readonly line: SlotLine;
  /** How many acts run or wait for that. */
  readonly acts: number;
  /** Runs one act after the other, in the order in which they were asked for; those that come again before all others. */
  inTurn<T>(act: () => Promise<T>, isAgain?: boolean): Promise<T>;
}

// A listing costs the API server a look at every Redemption of the namespace.
const SLOTS_READ_SINGLY = 3;
// Under load each redemption of a grant reads it twice, and would have the API server do little else; and so would strangers, as
// the code is looked at after that.
const GRANT_READS = { restMs: 40, leastMs: 40, crowd: 24 };
// Behind so many that wait for its slots there is time: to fill one takes 4 ms and more. A crowd that waits for a read waits
// less.
const FEW = { ahead: 3, patienceMs: GRANT_READS.restMs };
const MANY = { ahead: 8, patienceMs: 150 };
// A watch tells of older Redemptions when they are renewed, and of all when it begins: most of their grants are long over.
const NEW_MS = 60_000;
// With a few hundred bytes a slot: grants of many uses are few.
const MOST_ACCOUNTS = 5_000;

/** The accounts of the grants that were used last. */
export class GrantAccounts {
  readonly #client: KubernetesClient;
  readonly #locator: GrantLocator;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, GrantAccount>();

  constructor(client: KubernetesClient, locator: GrantLocator, clock: Clock) {
    this.#client = client;
    this.#locator = locator;
    this.#clock = clock;
  }

  /** The account of a grant; undefined if there is no such grant. */
  async find(uid: string): Promise<GrantAccount | undefined> {
    const known = this.#accounts.get(uid);
    if (known) {
      this.#use(known);
      return known;
    }
    const key = await this.#locator.locate(uid);
    return key && (this.known(uid) ?? this.#use(openAccount(this.#client, uid, key)));
  }

  /** The account of a grant that was used lately. */
  known(uid: string): GrantAccount | undefined {
    return this.#accounts.get(uid);
  }

  /** Notes a Redemption that a watch told of, where its grant was used lately, here or elsewhere. */
  note(redemption: Stored<RedemptionResource>): void {
    const { metadata, spec } = redemption;
    const account = this.#accounts.get(spec.grantUid) ?? this.#usedElsewhere(redemption);
    // Whoever may write Redemptions in some namespace may write one that says it is of this grant.
    if (!account || account.namespace !== metadata.namespace) return;
    if (!account.slots.add(redemption) || account.line.count(({ id }) => id === spec.id) > 0) return;
    account.turns.noteOthers(...turnOf(redemption));
  }

  /** Lets go of what is known of a grant, which is deleted. */
  forget(uid: string): void {
    this.#accounts.delete(uid);
  }

  /**
   * The account of a grant that others began to redeem just now, and that may be redeemed here next: then its slots need not
   * be read. What was used here keeps its place.
   */
  #usedElsewhere(redemption: Stored<RedemptionResource>): GrantAccount | undefined {
    const { grantUid } = redemption.spec;
    const { namespace, creationTimestamp, deletionTimestamp } = redemption.metadata;
    const grant = this.#locator.known?.(grantUid);
    const slot = slotOf(grantUid, redemption);
    if (!grant || grant.namespace !== namespace || slot === undefined || this.#accounts.size >= MOST_ACCOUNTS)
      return;
    const isNew =
      this.#clock() - (timeOf(creationTimestamp) ?? 0) < NEW_MS && deletionTimestamp === undefined;
    if (!isNew || slot + 1 >= grant.redemptionsAllowed) return;
    return this.#use(openAccount(this.#client, grantUid, grant));
  }

  #use(account: GrantAccount): GrantAccount {
    this.#accounts.delete(account.uid);
    this.#accounts.set(account.uid, account);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > MOST_ACCOUNTS && oldest !== undefined) this.#accounts.delete(oldest);
    return account;
  }
}

function openAccount(client: KubernetesClient, uid: string, key: ResourceKey): GrantAccount {
  const { namespace = '', name } = key;
  const slots = new KnownSlots(uid);
  const acts = new Acts();

  const readSlot = async (slot: number): Promise<void> => {
    const found = await client.find<RedemptionResource>(REDEMPTIONS, {
      namespace,
      name: slotName(uid, slot),
    });
    if (found) slots.add(found);
  };
  const list = async (): Promise<void> => {
    const selection = { namespace, labelSelector: `${GRANT_UID}=${uid}` };
    const { items } = await client.listAll<RedemptionResource>(REDEMPTIONS, selection);
    for (const item of items) slots.add(item);
  };

  const filled = new LiveRead(async () => {
    // One slot after the other: where one is free, so are those behind it.
    for (let read = 1; ; read += 1) {
      const { next } = slots;
      await readSlot(next);
      if (slots.next === next) return;
      // Where many were filled elsewhere, a listing has them all at once.
      if (read % SLOTS_READ_SINGLY === 0) await list();
    }
  });

  const line = new SlotLine();
  const grant = new LiveRead(async () => {
    const found = await client.find<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
    return found?.metadata.uid === uid ? found : undefined;
  }, GRANT_READS);

  return {
    uid,
    namespace,
    name,
    slots,
    filled,
    turns: new SlotTurns(),
    line,
    grantSince(moment, isFirst = false) {
      const ahead = isFirst ? 0 : acts.size + line.size;
      const waits = [MANY, FEW].find((crowd) => ahead >= crowd.ahead);
      return grant.since(moment, waits?.patienceMs);
    },
    get acts() {
      return acts.size;
    },
    inTurn: (act, isAgain = false) => acts.run(act, isAgain),
  };
}

/** What runs one after the other. */
class Acts {
  readonly #again: (() => Promise<void>)[] = [];
  readonly #first: (() => Promise<void>)[] = [];
  #isBusy = false;

  /** How many run or wait. */
  get size(): number {
    return this.#again.length + this.#first.length + (this.#isBusy ? 1 : 0);
  }

  run<T>(act: () => Promise<T>, isAgain: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      (isAgain ? this.#again : this.#first).push(() => act().then(resolve, reject));
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#next(); next; next = this.#next()) await next();
    this.#isBusy = false;
  }

  #next(): (() => Promise<void>) | undefined {
    return this.#again.shift() ?? this.#first.shift();
  }
}
