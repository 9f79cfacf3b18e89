import type { Redemption } from '../../../domain/redemption.js';
import { timeOf } from '../api/timestamp.js';
import { type RedemptionResource, slotOf, type WrittenCode } from './redemption-resource.js';

/** A signed code, as recorded in the Redemptions that used it. */
export interface UsedCode {
  readonly code: WrittenCode;
  /** How many known redemptions used it; `code.uses` is how many it allows. */
  readonly uses: number;
}

/**
 * The slots of one grant that this process has read or filled, indexed by replay key, id, signed code, and name with subject. A
 * slot stays filled after its Redemption was deleted.
 */
export class KnownSlots {
  readonly #grantUid: string;
  /** When the Redemption of each filled slot was created, in milliseconds since the epoch. */
  readonly #filled = new Map<number, number>();
  readonly #byReplayKey = new Map<string, number>();
  readonly #byId = new Map<string, number>();
  readonly #codes = new Map<string, UsedCode>();
  readonly #stockTimes = new Map<string, number[]>();
  #next = 0;

  constructor(grantUid: string) {
    this.#grantUid = grantUid;
  }

  /** The first slot that is not known to be filled. It must be filled or read before any later slot is filled. */
  get next(): number {
    return this.#next;
  }

  get size(): number {
    return this.#filled.size;
  }

  /** Adds a Redemption of the grant; one that was added before, or whose name is not that of a slot, changes nothing. */
  add(redemption: Pick<RedemptionResource, 'metadata' | 'spec'>): void {
    // The name decides: a user with write access may have put another slot into the spec.
    const slot = slotOf(this.#grantUid, redemption);
    if (slot === undefined) return;
    const { id, replayKey, mode, name, subject, code } = redemption.spec;
    const createdAt = timeOf(redemption.spec.createdAt) ?? 0;
    this.#filled.set(slot, createdAt);
    while (this.#filled.has(this.#next)) this.#next += 1;
    if (this.#byId.has(id)) return;
    this.#byId.set(id, slot);
    this.#byReplayKey.set(replayKey, slot);
    if (code) this.#codes.set(code.jti, { code, uses: this.usesOf(code.jti) + 1 });
    if (mode !== 'stock') return;
    const key = stockKey({ name, subject });
    const times = this.#stockTimes.get(key);
    // A copy of the list for each slot would block the process on a grant with many uses.
    if (times) times.push(createdAt);
    else this.#stockTimes.set(key, [createdAt]);
  }

  /** The slots of the newest redemptions, newest first. */
  newest(limit: number): readonly number[] {
    const byTime = [...this.#filled].sort(([, one], [, other]) => other - one);
    return byTime.slice(0, limit).map(([slot]) => slot);
  }

  /** The slot that a redemption with this replay key filled last. */
  ofReplayKey(replayKey: string): number | undefined {
    return this.#byReplayKey.get(replayKey);
  }

  ofId(id: string): number | undefined {
    return this.#byId.get(id);
  }

  /** The signed codes that known redemptions used. */
  codes(): Iterable<UsedCode> {
    return this.#codes.values();
  }

  /** The signed code with this `jti`; undefined if no known redemption used it. */
  codeOf(jti: string): UsedCode | undefined {
    return this.#codes.get(jti);
  }

  /** How many known redemptions used the signed code with this `jti`. */
  usesOf(jti: string): number {
    return this.#codes.get(jti)?.uses ?? 0;
  }

  /**
   * When redemptions by unmodified Skupper clients with this name and subject were created, in milliseconds since the
   * epoch.
   */
  stockTimesOf(redemption: Pick<Redemption, 'name' | 'subject'>): readonly number[] {
    return this.#stockTimes.get(stockKey(redemption)) ?? [];
  }
}

function stockKey({ name, subject }: Pick<Redemption, 'name' | 'subject'>): string {
  return JSON.stringify([name, subject]);
}
