import { expect, it } from 'vitest';
import { applyRetention } from '../../../../src/redemption/accepting/apply-retention.js';

const DAY = 86_400_000;
const NOW = 1_000 * DAY;

/** A store with these numbers of deletion steps left, which records its calls. */
function storeWith(grantSteps: number, ledgerSteps: number) {
  const calls: [string, number][] = [];
  const left = { grants: grantSteps, ledgers: ledgerSteps };
  return {
    calls,
    deleteEndedGrants: async (endedBefore: number) => {
      calls.push(['grants', (NOW - endedBefore) / DAY]);
      return left.grants-- > 0 ? 100 : 0;
    },
    removeOldLedger: async (endedBefore: number) => {
      calls.push(['ledgers', (NOW - endedBefore) / DAY]);
      return left.ledgers-- > 0;
    },
  };
}

it('retention continues until nothing is left, and adds the 7 days of the renewal grace to the ledger period', async () => {
  const store = storeWith(1, 2);
  await applyRetention(store, { grantMs: 7 * DAY, ledgerMs: 400 * DAY }, NOW, () => false);
  expect(store.calls).toEqual([
    ['grants', 7],
    ['grants', 7],
    ['ledgers', 407],
    ['ledgers', 407],
    ['ledgers', 407],
  ]);
});

it('retention never removes anything with a period of 0', async () => {
  const store = storeWith(9, 9);
  await applyRetention(store, { grantMs: 0, ledgerMs: 0 }, NOW, () => false);
  expect(store.calls).toEqual([]);
});

it('retention ends after the current step when it is stopped', async () => {
  const store = storeWith(9, 9);
  await applyRetention(store, { grantMs: DAY, ledgerMs: DAY }, NOW, () => store.calls.length === 2);
  expect(store.calls).toHaveLength(2);
});
