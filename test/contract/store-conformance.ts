import { afterEach, beforeEach, describe } from 'vitest';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import type { StoreOpener } from '../support/stores/store-processes.js';
import { codeConformance } from './store-conformance-codes.js';
import { grantConformance } from './store-conformance-grants.js';
import { labelConformance } from './store-conformance-labels.js';
import { ledgerConformance } from './store-conformance-ledger.js';
import { linkConformance } from './store-conformance-links.js';
import { onceConformance } from './store-conformance-once.js';
import { redemptionConformance } from './store-conformance-redemptions.js';
import { renewalConformance } from './store-conformance-renewals.js';

/** An empty store made for one test. */
export interface StoreUnderTest {
  readonly store: GrantStore;
  /** How other processes open the same data. */
  readonly opener: StoreOpener;
  /** Opens the same data once more in this process; whoever asks closes it. */
  openAnother(): Promise<GrantStore>;
  /** Closes the store and removes its data. */
  close(): Promise<void>;
}

/** How much of a suite is done: counts that find the races of a store and that it can do in a minute. */
export interface ConformanceSize {
  /** Grants that are redeemed by many at once. */
  readonly rounds: number;
  /** Grants that are redeemed by many with one replay key. */
  readonly sameKeyGrants: number;
  /** How many renewals of a redemption are kept whole; all when absent. */
  readonly renewalsKept?: number;
}

/** Gives the store that the running test has to itself. */
export type CurrentStore = () => StoreUnderTest;

/**
 * What every grant store must do, whatever keeps its data. `open` makes an empty store; `more` is what only some stores
 * must do.
 */
export function storeConformance(
  name: string,
  open: () => Promise<StoreUnderTest>,
  size: ConformanceSize,
  ...more: readonly ((current: CurrentStore) => void)[]
): void {
  describe(`${name} as a grant store`, () => {
    let current: StoreUnderTest | undefined;
    const currentStore: CurrentStore = () => {
      if (!current) throw new Error('no store is open');
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.close();
      current = undefined;
    });
    grantConformance(currentStore);
    redemptionConformance(currentStore);
    labelConformance(currentStore);
    renewalConformance(currentStore, size);
    ledgerConformance(currentStore);
    codeConformance(currentStore);
    linkConformance(currentStore);
    onceConformance(currentStore, size);
    for (const conformance of more) conformance(currentStore);
  });
}
