import type { ObjectSink } from './informer.js';
import type { Resource, Stored } from './resource.js';

/** A use of a grant: which one, and which of its slots. */
export interface RecordedUse {
  readonly grantUid: string;
  readonly slot: number;
}

/** How often each grant was redeemed, from the Redemptions that an informer tells of; a few bytes for each grant. */
export class RedemptionTally implements ObjectSink<RecordedUse | undefined> {
  readonly #counts = new Map<string, number>();
  readonly #onChange: (grantUid: string) => void;

  /** `onChange` is told of a grant that was redeemed once more. */
  constructor(onChange: (grantUid: string) => void) {
    this.#onChange = onChange;
  }

  /** Slots are filled in order and stay used, so the highest one tells. */
  countOf(grantUid: string): number {
    return this.#counts.get(grantUid) ?? 0;
  }

  forget(grantUid: string): void {
    this.#counts.delete(grantUid);
  }

  replace(uses: readonly (RecordedUse | undefined)[]): void {
    for (const use of uses) this.put(use);
  }

  put(use: RecordedUse | undefined): void {
    if (!use || use.slot < this.countOf(use.grantUid)) return;
    this.#counts.set(use.grantUid, use.slot + 1);
    this.#onChange(use.grantUid);
  }

  remove(): void {
    // A Redemption that is deleted while its grant lives stays counted.
  }
}

/** The use that a Redemption records, by its name; undefined for one that is named otherwise. */
export function readRecordedUse({ metadata }: Stored<Resource>): RecordedUse | undefined {
  const [, grantUid, slot] = /^([0-9a-f-]{36})-(\d{1,7})$/.exec(metadata.name) ?? [];
  return grantUid === undefined ? undefined : { grantUid, slot: Number(slot) };
}
