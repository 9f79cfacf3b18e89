import type { Resource, Stored } from '../api/resource.js';

/** A use of a grant: which one, and which of its slots. */
export interface RecordedUse {
  /** Of the Redemption: one in another namespace than its grant counts nothing. */
  readonly namespace: string;
  readonly grantUid: string;
  readonly slot: number;
}

/** How often each grant was redeemed, from the Redemptions that an informer tells of; a few bytes for each grant. */
export class RedemptionTally {
  readonly #counts = new Map<string, number>();
  readonly #onChange: (grantUid: string) => void;

  /** `onChange` is told of a grant that was redeemed once more. */
  constructor(onChange: (grantUid: string) => void) {
    this.#onChange = onChange;
  }

  /** Slots are filled in order and stay used, so the highest one tells. */
  countOf(namespace: string, grantUid: string): number {
    return this.#counts.get(`${namespace}/${grantUid}`) ?? 0;
  }

  forget(namespace: string, grantUid: string): void {
    this.#counts.delete(`${namespace}/${grantUid}`);
  }

  /** Notes a Redemption that there is. One that goes while its grant lives stays counted. */
  put(use: RecordedUse | undefined): void {
    if (!use) return;
    const { namespace, grantUid, slot } = use;
    if (slot < this.countOf(namespace, grantUid)) return;
    this.#counts.set(`${namespace}/${grantUid}`, slot + 1);
    this.#onChange(grantUid);
  }
}

/** The use that a Redemption records, by its name; undefined for one that is named otherwise. */
export function readRecordedUse({ metadata }: Stored<Resource>): RecordedUse | undefined {
  const [, grantUid, slot] = /^([0-9a-f-]{36})-(\d{1,7})$/.exec(metadata.name) ?? [];
  const { namespace = '' } = metadata;
  if (grantUid === undefined) return undefined;
  return { namespace, grantUid, slot: Number(slot) };
}
