import { beforeEach, describe } from 'vitest';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
import { releaseAfterTest } from '../../support/release.js';
import type { StoreOpener } from '../../support/stores/store-processes.js';
import { codeConformance } from './store-conformance-codes.js';
import { grantConformance } from './store-conformance-grants.js';
import { labelConformance } from './store-conformance-labels.js';
import { ledgerConformance } from './store-conformance-ledger.js';
import { linkConformance } from './store-conformance-links.js';
import { listingConformance } from './store-conformance-listing.js';
import { onceConformance } from './store-conformance-once.js';
import { redemptionConformance } from './store-conformance-redemptions.js';
import { renewalConformance } from './store-conformance-renewals.js';
import { replacementConformance } from './store-conformance-replacements.js';
import { sortedLinkConformance } from './store-conformance-sorted-links.js';
import { wrongCodeConformance } from './store-conformance-wrong-codes.js';

/** An empty store made for one test. */
export interface StoreUnderTest<S extends GrantStore = GrantStore> {
  readonly store: S;
  /** How other processes open the same data. */
  readonly opener: StoreOpener;
  /** Opens the same data once more in this process. The suite closes the returned store after the test. */
  openAnother(): Promise<S>;
  /** Closes the store, and removes the data that are not in a directory of the test. */
  close(): Promise<void>;
}

/** Sizes of the suite for one store: large enough to find races, small enough for a minute. */
export interface ConformanceSize {
  /** Number of grants that concurrent redeemers redeem. */
  readonly rounds: number;
  /** Number of grants that concurrent redeemers redeem with one replay key. */
  readonly sameKeyGrants: number;
  /** How many renewals of a redemption the store retains; all if absent. */
  readonly renewalsRetained?: number;
}

/** Returns the store of the running test. */
export type CurrentStore<S extends GrantStore = GrantStore> = () => StoreUnderTest<S>;

/** The tests that every grant store must pass. `open` creates an empty store; `more` are suites for some stores only. */
export function storeConformance<S extends GrantStore>(
  name: string,
  open: () => Promise<StoreUnderTest<S>>,
  size: ConformanceSize,
  ...more: readonly ((current: CurrentStore<S>) => void)[]
): void {
  describe(`${name} as a grant store`, () => {
    let current: StoreUnderTest<S>;
    const currentStore: CurrentStore<S> = () => current;
    beforeEach(async () => {
      const opened = releaseAfterTest(await open());
      current = { ...opened, openAnother: async () => releaseAfterTest(await opened.openAnother()) };
    });
    grantConformance(currentStore);
    redemptionConformance(currentStore);
    labelConformance(currentStore);
    renewalConformance(currentStore, size);
    ledgerConformance(currentStore);
    listingConformance(currentStore);
    codeConformance(currentStore);
    replacementConformance(currentStore);
    linkConformance(currentStore);
    sortedLinkConformance(currentStore);
    wrongCodeConformance(currentStore);
    onceConformance(currentStore, size);
    for (const conformance of more) conformance(currentStore);
  });
}
