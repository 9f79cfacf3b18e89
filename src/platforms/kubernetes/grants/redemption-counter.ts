import type { ResourceKey } from '../api/resource.js';

const SLOT_NAME = /^([0-9a-f-]{36})-(\d{1,7})$/;

/**
 * Counts the redemptions of each grant from the Redemptions that a watch reports; retains one number for each grant, and for each
 * Redemption without a grant. The count is for the status of the grant. store/record-redemption.ts limits the uses.
 */
export class RedemptionCounter {
  readonly #counts = new Map<string, number>();
  readonly #hasGrant: (namespace: string, grantUid: string) => boolean;
  readonly #onChange: (grantUid: string) => void;

  /** `hasGrant` is true if a namespace has the grant. `onChange` is called with the uid of a grant whose count rose. */
  constructor(
    hasGrant: (namespace: string, grantUid: string) => boolean,
    onChange: (grantUid: string) => void,
  ) {
    this.#hasGrant = hasGrant;
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

  /** Counts the Redemptions of a complete list, and drops the counts of grants that do not exist. */
  replace(all: readonly ResourceKey[]): void {
    for (const key of this.#counts.keys()) {
      const [namespace, grantUid] = key.split('/') as [string, string];
      this.#forgetWithoutGrant(namespace, grantUid);
    }
    for (const redemption of all) this.add(redemption);
  }

  /** Counts a Redemption if its name is that of a slot. */
  add({ namespace = '', name }: ResourceKey): void {
    const [, grantUid, digits] = SLOT_NAME.exec(name) ?? [];
    if (grantUid === undefined || Number(digits) < this.countOf(namespace, grantUid)) return;
    this.#counts.set(`${namespace}/${grantUid}`, Number(digits) + 1);
    this.#onChange(grantUid);
  }

  /** A deleted Redemption stays counted while its grant exists: a user may have invented the uid of another. */
  remove({ namespace = '', name }: ResourceKey): void {
    const [, grantUid] = SLOT_NAME.exec(name) ?? [];
    if (grantUid !== undefined) this.#forgetWithoutGrant(namespace, grantUid);
  }

  #forgetWithoutGrant(namespace: string, grantUid: string): void {
    if (!this.#hasGrant(namespace, grantUid)) this.forget(namespace, grantUid);
  }
}
