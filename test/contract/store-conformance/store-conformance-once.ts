import { afterEach, describe, expect, it } from 'vitest';
import { forEachParallel } from '../../support/parallel.js';
import { NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { type Redeemer, type RedeemTask, startRedeemer } from '../../support/stores/store-processes.js';
import type { ConformanceSize, CurrentStore } from './store-conformance.js';

const PROCESSES = 4;
const ROUNDS_AT_ONCE = 40;

interface Round {
  readonly uid: string;
  readonly limit: number;
  readonly redeemers: number;
}

/** Creates a grant for each round, with random numbers of uses and of redeemers. */
function makeRounds(current: CurrentStore, count: number): Promise<Round[]> {
  const { store } = current();
  const between = (least: number, most: number) => least + Math.floor(Math.random() * (most - least + 1));
  const makeRound = async (): Promise<Round> => {
    const redeemers = between(1, 50);
    const limit = between(1, redeemers + 2);
    const { uid } = await storedGrant(store, { redemptionsAllowed: limit });
    return { uid, redeemers, limit };
  };
  return Promise.all(Array.from({ length: count }, makeRound));
}

/** Compares the outcomes of a round with the limit of its grant and with what the store recorded. */
async function checkRound(current: CurrentStore, round: Round, outcomes: readonly string[]): Promise<void> {
  const { store } = current();
  const { uid, limit, redeemers } = round;
  const uses = Math.min(limit, redeemers);
  const recorded = outcomes.filter((outcome) => outcome.startsWith('recorded '));
  const refused = outcomes.filter((outcome) => outcome === 'refused grant_exhausted');
  const { items } = await store.listRedemptions({ limit: 100, grantUid: uid });
  const found = {
    recorded: recorded.length,
    refused: refused.length,
    counted: (await store.findGrant(uid))?.redemptions,
    ids: items.map(({ id }) => `recorded ${id}`).sort(),
    serials: new Set(items.map(({ serial }) => serial)).size,
  };
  const ids = [...recorded].sort();
  expect(found, JSON.stringify(round)).toEqual({
    recorded: uses,
    refused: redeemers - uses,
    counted: uses,
    ids,
    serials: uses,
  });
}

/** Exactly once: concurrent redeemers in one process and in several, and a killed process. */
export function onceConformance(
  current: CurrentStore,
  { rounds: count, sameKeyGrants }: ConformanceSize,
): void {
  describe('exactly once', () => {
    const started: Redeemer[] = [];
    const startProcesses = async (): Promise<Redeemer[]> => {
      const { opener } = current();
      const redeemers = await Promise.all(Array.from({ length: PROCESSES }, () => startRedeemer(opener)));
      started.push(...redeemers);
      return redeemers;
    };
    afterEach(async () => {
      await Promise.all(started.splice(0).map((redeemer) => redeemer.end()));
    });

    it('records exactly k of N redemptions of a grant with k uses in one process', async () => {
      const { store } = current();
      await forEachParallel(await makeRounds(current, count), ROUNDS_AT_ONCE, async (round) => {
        const { uid } = round;
        const outcomes = await Promise.all(
          Array.from({ length: round.redeemers }, async () => {
            const redemption = sampleRedemption(uid);
            const outcome = await store.recordRedemption(uid, redemption, NOW);
            if (outcome === 'recorded') return `recorded ${redemption.id}`;
            return 'refused' in outcome ? `refused ${outcome.refused}` : 'replayed';
          }),
        );
        await checkRound(current, round, outcomes);
      });
    });

    it(`records exactly k of N redemptions of a grant with k uses in ${PROCESSES} processes`, async () => {
      const rounds = await makeRounds(current, count);
      const redeemers = await startProcesses();
      const byProcess = await Promise.all(
        redeemers.map((redeemer, process) => {
          const tasks = rounds.map(
            ({ uid, redeemers: total }): RedeemTask => ({
              uid,
              times: Math.floor(total / PROCESSES) + (process < total % PROCESSES ? 1 : 0),
            }),
          );
          return redeemer.redeem(tasks);
        }),
      );
      for (const [index, round] of rounds.entries()) {
        await checkRound(
          current,
          round,
          byProcess.flatMap((outcomes) => outcomes[index] ?? []),
        );
      }
    });

    it('records one of several redemptions with the same replay key in several processes', async () => {
      const { store } = current();
      const grants = await Promise.all(
        Array.from({ length: sameKeyGrants }, () => storedGrant(store, { redemptionsAllowed: 3 })),
      );
      const tasks = grants.map(({ uid }): RedeemTask => ({ uid, times: 2, replayKey: 'the same key' }));
      const redeemers = await startProcesses();
      const byProcess = await Promise.all(redeemers.map((redeemer) => redeemer.redeem(tasks)));
      for (const [index, { uid }] of grants.entries()) {
        const outcomes = byProcess.flatMap((all) => all[index] ?? []);
        const [kept] = (await store.listRedemptions({ limit: 10, grantUid: uid })).items;
        const replays = Array(2 * PROCESSES - 1).fill(`replay ${kept?.id}`);
        expect([...outcomes].sort()).toEqual([`recorded ${kept?.id}`, ...replays]);
        expect((await store.findGrant(uid))?.redemptions).toBe(1);
      }
    });

    it.each([
      ['before-commit', 0],
      ['after-commit', 1],
    ])(
      'counts once when the process is killed %s and the redemption is repeated',
      async (dieAt, countedThen) => {
        const { store, opener } = current();
        const grant = await storedGrant(store);
        const redemption = sampleRedemption(grant.uid);
        const victim = await startRedeemer(opener, dieAt);
        const { id, replayKey } = redemption;
        await expect(victim.redeem([{ uid: grant.uid, times: 1, id, replayKey }])).rejects.toThrow('SIGKILL');
        const { uid: grantUid } = grant;
        expect((await store.listRedemptions({ limit: 10, grantUid })).items).toHaveLength(countedThen);
        expect((await store.findGrant(grant.uid))?.redemptions).toBe(countedThen);
        expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
        expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
        expect((await store.listRedemptions({ limit: 10 })).items).toHaveLength(1);
      },
    );
  });
}
