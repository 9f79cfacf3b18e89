import { expect, it } from 'vitest';
import { applyRetention } from '../../../../src/redemption/accepting/retention.js';

const DAY = 86_400_000;
const NOW = 1_000 * DAY;

/** A store with so many steps to do, which notes what it is asked. */
function storeWith(grantSteps: number, ledgerSteps: number) {
  const asked: [string, number][] = [];
  const left = { grants: grantSteps, ledgers: ledgerSteps };
  return {
    asked,
    deleteEndedGrants: async (endedBefore: number) => {
      asked.push(['grants', (NOW - endedBefore) / DAY]);
      return left.grants-- > 0 ? 100 : 0;
    },
    removeOldLedger: async (endedBefore: number) => {
      asked.push(['ledgers', (NOW - endedBefore) / DAY]);
      return left.ledgers-- > 0;
    },
  };
}

it('retention continues until nothing is left, and counts from when a link can no longer be renewed', async () => {
  const store = storeWith(1, 2);
  await applyRetention(store, { grantMs: 7 * DAY, ledgerMs: 400 * DAY }, NOW, () => false);
  expect(store.asked).toEqual([
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
  expect(store.asked).toEqual([]);
});

it('retention ends after the current step when it is stopped', async () => {
  const store = storeWith(9, 9);
  await applyRetention(store, { grantMs: DAY, ledgerMs: DAY }, NOW, () => store.asked.length === 2);
  expect(store.asked).toHaveLength(2);
});
