import { afterEach, beforeEach, describe } from 'vitest';
import type { GrantStore } from '../../src/redemption/grant-store.js';
import type { StoreOpener } from '../support/store-processes.js';
import { codeConformance } from './store-conformance-codes.js';
import { grantConformance } from './store-conformance-grants.js';
import { ledgerConformance } from './store-conformance-ledger.js';
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

/** Gives the store that the running test has to itself. */
export type CurrentStore = () => StoreUnderTest;

/** What every grant store must do, whatever keeps its data. `open` makes an empty store. */
export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
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
    renewalConformance(currentStore);
    ledgerConformance(currentStore);
    codeConformance(currentStore);
    onceConformance(currentStore);
  });
}
