import type { Redemption } from '../../../domain/redemption.js';
import { sha256Hex } from '../../../pki/sha256.js';
import { timeOf } from '../api/timestamp.js';
import type { RedemptionLocation } from './redemption-index.js';
import { type RedemptionResource, slotOf, type WrittenCode } from './redemption-resource.js';

/** A signed code, as recorded in the Redemptions that used it. */
export interface UsedCode {
  readonly code: WrittenCode;
  /** How many known redemptions used it; `code.uses` is how many it allows. */
  readonly uses: number;
}

/** What is known of the Redemption that fills a slot. Digests, because a user may write long texts. */
interface FilledSlot {
  readonly slot: number;
  /** In milliseconds since the epoch. */
  readonly createdAt: number;
  readonly replayKeySha256: string;
  readonly jti: string | undefined;
  /** Of name and subject; undefined if no unmodified Skupper client redeemed. */
  readonly stockSha256: string | undefined;
}

/**
 * The slots of one grant that this process has read or filled, indexed by replay key, id, signed code, and name with subject.
 * Nothing is retained of a deleted Redemption, but a slot before `next` stays filled.
 */
export class KnownSlots {
  readonly #grantUid: string;
  /** The filled slots after `#next`. */
  readonly #later = new Set<number>();
  readonly #byId = new Map<string, FilledSlot>();
  readonly #byReplayKey = new Map<string, FilledSlot>();
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

  /** Adds a Redemption of the grant; one that was added before, or whose name is not that of a slot, changes nothing. */
  add(redemption: Pick<RedemptionResource, 'metadata' | 'spec'>): void {
    // The name decides: a user with write access may have put another slot into the spec.
    const slot = slotOf(this.#grantUid, redemption);
    if (slot === undefined) return;
    if (slot >= this.#next) this.#later.add(slot);
    while (this.#later.delete(this.#next)) this.#next += 1;
    const { id, replayKey, mode, name, subject, code } = redemption.spec;
    if (this.#byId.has(id)) return;
    const createdAt = timeOf(redemption.spec.createdAt) ?? 0;
    const replayKeySha256 = sha256Hex(replayKey);
    const stockSha256 = mode === 'stock' ? stockDigest({ name, subject }) : undefined;
    const filled: FilledSlot = { slot, createdAt, replayKeySha256, jti: code?.jti, stockSha256 };
    this.#byId.set(id, filled);
    this.#byReplayKey.set(replayKeySha256, filled);
    if (code) this.#codes.set(code.jti, { code, uses: this.usesOf(code.jti) + 1 });
    if (stockSha256 === undefined) return;
    const times = this.#stockTimes.get(stockSha256);
    // A copy of the list for each slot would block the process on a grant with many uses.
    if (times) times.push(createdAt);
    else this.#stockTimes.set(stockSha256, [createdAt]);
  }

  /** Removes a Redemption that was deleted. Its slot stays filled if it is before `next`. */
  remove({ id, name }: Pick<RedemptionLocation, 'id' | 'name'>): void {
    const slot = slotOf(this.#grantUid, { metadata: { name } });
    if (slot === undefined) return;
    this.#later.delete(slot);
    const filled = this.#byId.get(id);
    // A user may have copied the id.
    if (filled?.slot !== slot) return;
    const { createdAt, replayKeySha256, jti, stockSha256 } = filled;
    this.#byId.delete(id);
    // Another redemption with this key may have filled a slot later.
    if (this.#byReplayKey.get(replayKeySha256) === filled) this.#byReplayKey.delete(replayKeySha256);
    const used = jti === undefined ? undefined : this.#codes.get(jti);
    if (used && used.uses > 1) this.#codes.set(used.code.jti, { ...used, uses: used.uses - 1 });
    else if (used) this.#codes.delete(used.code.jti);
    const times = stockSha256 === undefined ? [] : (this.#stockTimes.get(stockSha256) ?? []);
    if (times.length > 1) times.splice(times.indexOf(createdAt), 1);
    else if (stockSha256 !== undefined) this.#stockTimes.delete(stockSha256);
  }

  /** The slots of the newest redemptions, newest first. */
  newest(limit: number): readonly number[] {
    const byTime = [...this.#byId.values()].sort((one, other) => other.createdAt - one.createdAt);
    return byTime.slice(0, limit).map(({ slot }) => slot);
  }

  /** The slot that a redemption with this replay key filled last. */
  ofReplayKey(replayKey: string): number | undefined {
    return this.#byReplayKey.get(sha256Hex(replayKey))?.slot;
  }

  /** The slot of the newest redemption with the signed code of this `jti`. */
  ofCode(jti: string): number | undefined {
    const used = [...this.#byId.values()].filter((filled) => filled.jti === jti);
    return used.sort((one, other) => other.createdAt - one.createdAt)[0]?.slot;
  }

  ofId(id: string): number | undefined {
    return this.#byId.get(id)?.slot;
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
    return this.#stockTimes.get(stockDigest(redemption)) ?? [];
  }
}

function stockDigest({ name, subject }: Pick<Redemption, 'name' | 'subject'>): string {
  return sha256Hex(JSON.stringify([name, subject]));
}
