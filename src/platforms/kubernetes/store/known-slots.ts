import { timeOf } from '../grants/access-grant-resource.js';
import { type RedemptionResource, slotOf } from './redemption-resource.js';

/** Of a filled slot what decides about redemptions after it; nothing of this ever changes. */
export interface SlotFacts {
  readonly slot: number;
  readonly id: string;
  readonly replayKey: string;
  readonly mode: string;
  readonly name: string;
  readonly subject: string;
  readonly createdAt: number;
  readonly code: RedemptionResource['spec']['code'];
}

/** The slots of one grant that this process has read or filled. */
export class KnownSlots {
  readonly #grantUid: string;
  readonly #bySlot = new Map<number, SlotFacts>();
  readonly #byReplayKey = new Map<string, SlotFacts>();
  readonly #byId = new Map<string, SlotFacts>();
  #next = 0;

  constructor(grantUid: string) {
    this.#grantUid = grantUid;
  }

  /** The first slot that is not known: nobody may fill a later one before it was read. */
  get next(): number {
    return this.#next;
  }

  /** How many slots are known to be filled. */
  get size(): number {
    return this.#bySlot.size;
  }

  /** True for a slot that was not known to be filled. */
  add(redemption: Pick<RedemptionResource, 'metadata' | 'spec'>): boolean {
    // The name is what fills a slot, whatever else somebody wrote there.
    const slot = slotOf(this.#grantUid, redemption);
    if (slot === undefined || this.#bySlot.has(slot)) return false;
    const { spec } = redemption;
    const { id, replayKey, mode, name, subject, code } = spec;
    const createdAt = timeOf(spec.createdAt) ?? 0;
    const facts: SlotFacts = { slot, id, replayKey, mode, name, subject, createdAt, code };
    this.#bySlot.set(slot, facts);
    if (!this.#byReplayKey.has(replayKey)) this.#byReplayKey.set(replayKey, facts);
    this.#byId.set(id, facts);
    while (this.#bySlot.has(this.#next)) this.#next += 1;
    return true;
  }

  ofReplayKey(replayKey: string): SlotFacts | undefined {
    return this.#byReplayKey.get(replayKey);
  }

  ofId(id: string): SlotFacts | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<SlotFacts> {
    return this.#bySlot.values();
  }
}
