import type { ResourceKey } from '../api/resource.js';

/**
 * Counts the redemptions of each grant from the Redemptions that a watch reports; uses a few bytes for each grant. The count
 * is for the status of the grant. store/record-redemption.ts limits the uses.
 */
export class RedemptionCounter {
  readonly #counts = new Map<string, number>();
  readonly #onChange: (grantUid: string) => void;

  /** `onChange` is called with the uid of a grant whose count rose. */
  constructor(onChange: (grantUid: string) => void) {
    this.#onChange = onChange;
  }

  /** The number of redemptions of a grant: its highest slot plus one, because slots are filled in order. */
  countOf(namespace: string, grantUid: string): number {
    return this.#counts.get(`${namespace}/${grantUid}`) ?? 0;
  }

  /** Drops the count of a grant that was deleted. */
  forget(namespace: string, grantUid: string): void {
    this.#counts.delete(`${namespace}/${grantUid}`);
  }

  /** Counts a Redemption if its name is that of a slot. It stays counted after its deletion. */
  add({ namespace = '', name }: ResourceKey): void {
    const [, grantUid, digits] = /^([0-9a-f-]{36})-(\d{1,7})$/.exec(name) ?? [];
    if (grantUid === undefined || Number(digits) < this.countOf(namespace, grantUid)) return;
    this.#counts.set(`${namespace}/${grantUid}`, Number(digits) + 1);
    this.#onChange(grantUid);
  }
}
