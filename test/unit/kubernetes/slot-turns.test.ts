import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { ResourceKey, ResourceKind, Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import { GrantAccounts } from '../../../src/platforms/kubernetes/store/grant-accounts.js';
import { recordRedemption } from '../../../src/platforms/kubernetes/store/record-redemption.js';
import {
  type RedemptionResource,
  turnOf,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { InOrder } from '../../../src/platforms/kubernetes/store/slot-filler.js';
import { SlotTurns } from '../../../src/platforms/kubernetes/store/slot-turns.js';
import { createChance } from '../../fuzz/chance.mjs';
import { sampleRedemption } from '../../support/store-samples.js';

const HOUR = 3_600_000;
const KEY = { namespace: 'west', name: 'shared' };
// Of an API server: until a creation is carried out, until its answer is there, until a watch has told of it.
const LATENCY = { carriedOut: 2, answered: 2, watched: 4, read: 3 };

beforeEach(() => {
  // What comes of it by chance comes out the same each time.
  const chance = createChance(1);
  vi.spyOn(Math, 'random').mockImplementation(() => chance.below(2 ** 32) / 2 ** 32);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const takes = (ms: number) => new Promise((end) => setTimeout(end, ms));

/** Some replicas that redeem one grant, at an API server whose answers take their time. */
function openReplicas(count: number) {
  const uid = randomUUID();
  const now = Date.now();
  const grant = {
    metadata: { ...KEY, uid, resourceVersion: '1', creationTimestamp: new Date(now).toISOString() },
    spec: { redemptionsAllowed: 100_000, expirationWindow: '1h' },
    status: { code: 'x'.repeat(24), expirationTime: new Date(now + HOUR).toISOString() },
  };
  const filled = new Map<string, Stored<RedemptionResource>>();
  const filledAt = new Map<string, number>();
  const tried: { readonly at: number; readonly name: string; readonly isLost: boolean }[] = [];
  const accounts: GrantAccounts[] = [];
  const latency = { ...LATENCY };
  let grantReads = 0;
  let failed = 0;
  const client = {
    async create(_kind: ResourceKind, resource: Stored<RedemptionResource>) {
      const { name } = resource.metadata;
      const at = performance.now();
      await takes(latency.carriedOut);
      const isLost = filled.has(name);
      tried.push({ at, name, isLost });
      if (!isLost) {
        filled.set(name, resource);
        filledAt.set(name, performance.now());
        for (const account of accounts) setTimeout(() => account.note(resource), latency.watched);
      }
      await takes(latency.answered);
      if (isLost) throw new ApiError('create', { reason: 'already_exists', outcomeUnknown: false });
      return resource;
    },
    async find(kind: ResourceKind, { name }: ResourceKey) {
      if (kind === ACCESS_GRANTS) grantReads += 1;
      await takes(latency.read);
      return kind === ACCESS_GRANTS ? grant : filled.get(name);
    },
    async listAll() {
      await takes(latency.read);
      return { items: [...filled.values()] };
    },
  } as unknown as KubernetesClient;
  while (accounts.length < count)
    accounts.push(new GrantAccounts(client, { locate: async () => KEY }, Date.now));
  const fillers = accounts.map(() => new InOrder(client));

  /** Redeems at a replica, by uid or by name; resolves with what came of it and how long that took. */
  const redeem = async (replica: number, byName = false) => {
    const began = performance.now();
    const redemption = sampleRedemption(uid, { namespace: KEY.namespace });
    // As the service does to look at the code.
    if (byName) await takes(latency.read);
    else await (await accounts[replica]?.find(uid))?.grantSince(performance.now());
    const outcome = await recordRedemption(
      uid,
      redemption,
      now,
      {},
      {
        client,
        filler: fillers[replica] as InOrder,
        accounts: accounts[replica] as GrantAccounts,
        codes: { find: async () => undefined },
        sealed: { keep: async () => undefined, forget: async () => undefined } as never,
        checkpoint: () => undefined,
        deadlineMs: 8_000,
      },
    ).catch((error: Error) => error.message);
    return { outcome, ms: performance.now() - began };
  };
  /** Keeps a replica busy with so many clients at a time, for so long. */
  const load = (replica: number, clients: number, ms: number, byName = false) => {
    const end = performance.now() + ms;
    const client = async () => {
      while (performance.now() < end)
        failed += (await redeem(replica, byName)).outcome === 'recorded' ? 0 : 1;
    };
    return Promise.all(Array.from({ length: clients }, client));
  };
  /** When slots were filled in the turns of each. */
  const filledBy = () => {
    const times = new Map<string, number[]>();
    for (const redemption of filled.values()) {
      const [by = ''] = turnOf(redemption);
      times.set(by, [...(times.get(by) ?? []), filledAt.get(redemption.metadata.name) ?? 0]);
    }
    return times;
  };
  const lost = () => tried.filter(({ isLost }) => isLost).length;
  const look = async () => (await accounts[0]?.find(uid))?.grantSince(performance.now());
  const counts = { grantReads: () => grantReads, failed: () => failed };
  return { redeem, load, look, tried, lost, latency, filled, filledBy, ...counts };
}

/** What becomes of a promise while time passes. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let result: T | undefined;
  void promise.then((value) => {
    result = value;
  });
  for (let passed = 0; passed < ms && result === undefined; passed += 1) await pass(1);
  return result;
}

describe('the turns of a process', () => {
  // Until a try was made.
  const TRY_MS = 6;
  // Less than the shortest wait.
  const QUIET_MS = 11;
  const comes = (turns: SlotTurns) => turns.come(performance.now() + 1_000).then(() => 'come');

  it('come after others that have more to follow when nothing is seen of them, and at once after the last', async () => {
    for (let round = 0; round < 20; round += 1) {
      const turns = new SlotTurns();
      turns.noteOthers('other', 'other');
      const turn = comes(turns);
      expect(await within(QUIET_MS, turn)).toBeUndefined();
      turns.noteOthers('other', 'other');
      expect(await within(QUIET_MS, turn)).toBeUndefined();
      turns.noteOthers('other', undefined);
      expect(await within(0.5 * TRY_MS, turn)).toBe('come');

      const another = new SlotTurns();
      another.noteOthers('other', 'other');
      expect(await within(4 * TRY_MS + 1, comes(another))).toBe('come');
    }
  });

  it('come at once when they are named, also by somebody whom nobody knows', async () => {
    const turns = new SlotTurns();
    turns.noteOwn(turns.id);
    turns.noteOthers('other', 'other');
    const turn = comes(turns);
    expect(await within(QUIET_MS, turn)).toBeUndefined();
    turns.noteOthers('stranger', turns.id);
    expect(await within(0.5 * TRY_MS, turn)).toBe('come');
  });

  it('let the one come that was named, and come together with it where they are not known themselves', async () => {
    const known = new SlotTurns();
    known.noteOwn(known.id);
    const unknown = new SlotTurns();
    for (const turns of [known, unknown]) turns.noteOthers('other', 'third');
    const [first, second] = [comes(known), comes(unknown)];
    expect(await within(0.5 * TRY_MS, second)).toBe('come');
    expect(await within(2 * TRY_MS, first)).toBeUndefined();
    expect(await within(2 * TRY_MS + 2, first)).toBe('come');
  });

  it('come mostly before the one that is named where they are not known themselves', async () => {
    const rounds = 100;
    let isFirst = 0;
    for (let round = 0; round < rounds; round += 1) {
      const both = [new SlotTurns(), new SlotTurns()] as const;
      const [named, unknown] = both;
      // Tries that took long, so that a millisecond matters little.
      for (let tries = 0; tries < 8; tries += 1) {
        const begun = performance.now();
        await pass(60);
        for (const turns of both) turns.end(begun);
      }
      for (const turns of both) turns.noteOthers('other', named.id);
      const first = Promise.race([comes(named).then(() => 'named'), comes(unknown).then(() => 'unknown')]);
      if ((await within(60, first)) === 'unknown') isFirst += 1;
    }
    expect(isFirst / rounds).toBeGreaterThan(0.65);
    expect(isFirst / rounds).toBeLessThan(0.95);
  });

  it('name who waits longest of those that are at it', async () => {
    const turns = new SlotTurns();
    expect(turns.heir()).toBeUndefined();
    // Who fills one slot at a time is named by nobody: it has nothing to fill as soon as it is done.
    turns.noteOthers('single', undefined);
    expect(turns.heir()).toBeUndefined();
    for (const name of ['first', 'second']) {
      turns.noteOthers(name, name);
      await pass(10);
    }
    expect(turns.heir()).toBe('first');
    // It was named and came, so it waits less long than the other one.
    turns.noteOthers('second', 'first');
    turns.noteOthers('first', 'first');
    expect(turns.heir()).toBe('second');
    // That one was named, and did not come.
    turns.noteOthers('first', 'second');
    turns.noteOthers('first', 'first');
    expect(turns.heir()).toBe('first');
    await pass(8_000);
    expect(turns.heir()).toBeUndefined();
  });

  it('remember no more than a few others, whatever is said', async () => {
    const turns = new SlotTurns();
    for (let number = 0; number < 200; number += 1) turns.noteOthers(`${number}`, `${number}`);
    const named = new Set<string>();
    for (let heir = turns.heir(); heir !== undefined && !named.has(heir); heir = turns.heir()) {
      named.add(heir);
      turns.noteOthers(heir, heir);
    }
    expect(named.size).toBe(64);
  });

  it('name one again that came when it was named, and was not the first', async () => {
    const [bystander, named] = [new SlotTurns(), new SlotTurns()];
    for (const turns of [bystander, named]) turns.noteOwn(turns.id);
    bystander.noteOthers(named.id, named.id);
    await pass(1);
    for (const turns of [bystander, named]) {
      turns.noteOthers('other', 'other');
      turns.noteOthers('other', named.id);
      if (turns === named) turns.noteLost();
      turns.noteOthers('stranger', 'stranger');
    }
    expect(bystander.heir()).toBe(named.id);
    // And that one waits to be named.
    named.noteOthers('stranger', 'third');
    expect(await within(3 * TRY_MS - 1, comes(named))).toBeUndefined();
  });

  it('count themselves as unknown when they were named, and one came that had let them go first', async () => {
    const turns = new SlotTurns();
    turns.noteOwn(turns.id);
    turns.noteOthers('known', 'known');
    turns.noteOthers('other', turns.id);
    turns.noteLost();
    turns.noteOthers('known', 'known');
    turns.noteOthers('known', 'third');
    expect(await within(0.5 * TRY_MS, comes(turns))).toBe('come');
  });

  it('name one again that was named, and that a stranger came before', () => {
    const stranger = new SlotTurns();
    for (const name of ['named', 'ends']) stranger.noteOthers(name, name);
    stranger.noteOthers('ends', 'named');
    expect(stranger.heir()).toBe('named');
  });

  it('name another one when they come in the place of one that was named and did not', async () => {
    const turns = new SlotTurns();
    for (const name of ['idle', 'ends']) turns.noteOthers(name, name);
    turns.noteOwn(turns.id);
    turns.noteOthers('ends', 'idle');
    expect(turns.heir()).toBe('ends');
  });

  it('name one no more that somebody waited for in vain', async () => {
    const turns = new SlotTurns();
    turns.noteOthers('idle', 'idle');
    turns.noteOwn(turns.id);
    turns.noteOwn('idle');
    expect(await within(3 * TRY_MS - 1, comes(turns))).toBeUndefined();
    turns.noteOwn(turns.id);
    expect(turns.heir()).toBeUndefined();
  });

  it('are still known when they had only one to fill', async () => {
    const turns = new SlotTurns();
    turns.noteOwn(turns.id);
    turns.noteOthers('other', turns.id);
    turns.noteOwn(undefined);
    turns.noteOthers('other', 'third');
    expect(await within(3 * TRY_MS - 1, comes(turns))).toBeUndefined();
  });

  it.each([
    { others: 1, turnsAwaited: 2 },
    { others: 3, turnsAwaited: 4 },
  ])('have patience for a turn more than those of $others others', ({ others, turnsAwaited }) => {
    const turns = new SlotTurns();
    for (let other = 0; other < others; other += 1) turns.noteOthers(`${other}`, `${other}`);
    const patienceMs = turns.patience() - performance.now();
    expect(patienceMs).toBeGreaterThanOrEqual(turnsAwaited * 64 * TRY_MS);
    expect(patienceMs).toBeLessThanOrEqual((turnsAwaited + 1) * 64 * TRY_MS);
  });

  it('never name themselves, whoever says so', () => {
    const turns = new SlotTurns();
    turns.noteOthers(turns.id, turns.id);
    expect(turns.heir()).toBeUndefined();
  });
});

describe('replicas that redeem the same grant', () => {
  it('wait for nothing where one is alone, one redemption after the other, told by the watch before the answer or after it', async () => {
    const alone = openReplicas(1);
    for (const watched of [0, 1, 4, 30]) {
      alone.latency.watched = watched;
      for (let turn = 0; turn < 3; turn += 1) {
        const { outcome, ms } = (await within(1_000, alone.redeem(0))) ?? {};
        expect([watched, outcome]).toEqual([watched, 'recorded']);
        // Two reads and a creation.
        expect(ms).toBeLessThanOrEqual(2 * LATENCY.read + LATENCY.carriedOut + LATENCY.answered + 1);
        await pass(100);
      }
    }
  });

  it('take their own slots, of which the watch tells first, for nobody else’s', async () => {
    const { redeem, tried, latency } = openReplicas(1);
    latency.watched = 0;
    await within(1_000, Promise.all(Array.from({ length: 10 }, () => redeem(0))));
    expect(tried).toHaveLength(10);
    const [first, last] = [tried[0]?.at ?? 0, tried.at(-1)?.at ?? 0];
    expect(last - first).toBeLessThanOrEqual(9 * (LATENCY.carriedOut + LATENCY.answered) + 5);
  });

  it('fill one slot after the other, and seldom try for the same', async () => {
    const { load, tried, lost, filled } = openReplicas(3);
    await within(5_000, Promise.all([load(0, 10, 2_000), load(1, 10, 2_000), load(2, 10, 2_000)]));
    expect(filled.size).toBeGreaterThan(200);
    const slots = [...filled.keys()].map((name) => Number(name.slice(name.lastIndexOf('-') + 1)));
    expect(slots).toEqual(slots.map((_slot, index) => index));
    expect(lost() / tried.length).toBeLessThan(0.05);
  });

  it.each([
    ['at once', LATENCY, 10_000, 3_000],
    ['late', { ...LATENCY, carriedOut: 10, answered: 10, watched: 12 }, 60_000, 8_000],
  ])(
    'get about as much each, where each has always more to redeem and the API server answers %s',
    async (_when, latency, ms, most) => {
      const { load, filled, filledBy, ...world } = openReplicas(3);
      Object.assign(world.latency, latency);
      const outcomes = [0, 1, 2].map((replica) => load(replica, 20, ms));
      await within(2 * ms, Promise.all(outcomes));
      const times = filledBy();
      expect(times.size).toBe(3);
      for (const own of times.values()) {
        expect(own.length / filled.size).toBeGreaterThan(0.25);
        const waits = own.slice(1).map((at, index) => at - (own[index] ?? 0));
        expect(Math.max(...waits)).toBeLessThan(most);
      }
    },
  );

  it.each([
    ['another is', 'at once', LATENCY, 1_600],
    ['another is', 'late', { ...LATENCY, carriedOut: 10, answered: 10, watched: 12 }, 4_000],
    ['another is', 'long before the watch tells', { ...LATENCY, watched: 30 }, 2_500],
    ['others are', 'at once', LATENCY, 2_500],
    ['others are', 'late', { ...LATENCY, carriedOut: 10, answered: 10, watched: 12 }, 7_000],
  ])(
    'let one in that comes alone while %s never idle, where the API server answers %s',
    async (who, _when, latency, most) => {
      const { redeem, load, ...world } = openReplicas(3);
      Object.assign(world.latency, latency);
      const busy = Promise.all([load(0, 32, 30_000), who === 'others are' && load(2, 32, 30_000)]);
      await pass(1_000);
      for (let turn = 0; turn < 5; turn += 1) {
        const { outcome, ms } = (await within(9_000, redeem(1))) ?? {};
        expect(outcome).toBe('recorded');
        expect(ms).toBeLessThan(most);
        await pass(50);
      }
      await within(40_000, busy);
    },
  );

  it('say that more is to follow while others wait here, but for 64 in a row', async () => {
    const { redeem, filled } = openReplicas(1);
    await within(5_000, Promise.all(Array.from({ length: 70 }, () => redeem(0))));
    const isLast = (redemption: Stored<RedemptionResource>) => turnOf(redemption)[1] === undefined;
    const silent = [...filled.values()].filter(isLast).map(({ spec }) => spec.slot);
    expect([filled.size, silent]).toEqual([70, [63, 69]]);
  });

  it.each([
    { redeemers: 10, most: 0.5 },
    { redeemers: 32, most: 0.13 },
  ])('read the grant together where $redeemers redeem at each', async ({ redeemers, most }) => {
    const { load, filled, grantReads } = openReplicas(3);
    await within(5_000, Promise.all([0, 1, 2].map((replica) => load(replica, redeemers, 2_000))));
    // Each for itself would read it twice.
    expect(grantReads() / filled.size).toBeLessThan(most);
  });

  it('read it no more often than every 40 ms for strangers, however many ask for it', async () => {
    const { look, grantReads } = openReplicas(1);
    const stranger = async () => {
      while (performance.now() < 1_000) await look();
    };
    await within(2_000, Promise.all(Array.from({ length: 100 }, stranger)));
    expect(grantReads()).toBeLessThan(1_000 / 40 + 3);
    expect(grantReads()).toBeGreaterThan(20);
  });

  it('wait for no rest where the first of all who wait has yet to read the grant', async () => {
    const { load, filled } = openReplicas(1);
    await within(3_000, load(0, 32, 2_000, true));
    const { carriedOut, answered } = LATENCY;
    expect(filled.size).toBeGreaterThan((0.9 * 2_000) / (carriedOut + answered));
  });

  it.each([1, 2])(
    'wait for no turn of others where %i redeem and the API server is slow',
    async (clients) => {
      const { load, filled, latency } = openReplicas(1);
      Object.assign(latency, { carriedOut: 30, answered: 30 });
      await within(11_000, load(0, clients, 10_000));
      // One: two reads and a creation. Two: a creation each, one after the other. And a pause after 64.
      expect(filled.size).toBeGreaterThan(10_000 / (clients === 1 ? 70 : 64));
    },
  );

  it.each([1, 2])('let one in at a slow API server where %i never rest elsewhere', async (clients) => {
    const { redeem, load, latency } = openReplicas(2);
    Object.assign(latency, { carriedOut: 30, answered: 30, watched: 32 });
    const busy = load(0, clients, 30_000);
    await pass(1_000);
    for (let turn = 0; turn < 4; turn += 1) {
      const { outcome, ms } = (await within(9_000, redeem(1))) ?? {};
      expect(outcome).toBe('recorded');
      expect(ms).toBeLessThan(6_000);
    }
    await within(40_000, busy);
  });

  it('wait no longer for one that was named and has stopped where a stranger names it again', async () => {
    const { redeem, load, filledBy } = openReplicas(3);
    const stranger = async () => {
      while (performance.now() < 10_000) await redeem(2);
    };
    const all = Promise.all([load(0, 32, 10_000), load(1, 32, 3_000), stranger()]);
    await within(12_000, all);
    // The one that is busy to the end.
    const [own = []] = [...filledBy().values()].sort((one, other) => other.length - one.length);
    const late = own.filter((at) => at > 3_500 && at < 9_500);
    const waits = late.slice(1).map((at, index) => at - (late[index] ?? 0));
    expect(Math.max(...waits)).toBeLessThan(400);
  });

  it('end a turn after some two seconds where the API server is slow', async () => {
    const { load, filled, latency } = openReplicas(2);
    Object.assign(latency, { carriedOut: 30, answered: 30, watched: 32 });
    await within(35_000, Promise.all([load(0, 40, 20_000), load(1, 40, 20_000)]));
    const turns: number[] = [];
    let last: string | undefined;
    for (const redemption of filled.values()) {
      const [by] = turnOf(redemption);
      if (by === last) turns.push((turns.pop() ?? 0) + 1);
      else turns.push(1);
      last = by;
    }
    expect(turns.length).toBeGreaterThan(5);
    expect(Math.max(...turns) * 60).toBeLessThan(2_300);
  });

  it.each([0, 150])(
    'get about as much each while somebody redeems at another one, who rests for %i ms in between',
    async (restMs) => {
      const { redeem, load, filledBy, failed } = openReplicas(4);
      const end = performance.now() + 15_000;
      const alone = async () => {
        while (performance.now() < end) {
          await redeem(2);
          await takes(restMs);
        }
      };
      await within(40_000, Promise.all([alone(), ...[0, 1, 3].map((replica) => load(replica, 32, 15_000))]));
      const counts = [...filledBy().values()].map(({ length }) => length);
      const busy = counts.sort((one, other) => other - one).slice(0, 3);
      expect(Math.min(...busy) / Math.max(...busy)).toBeGreaterThan(0.8);
      expect(failed()).toBe(0);
    },
  );

  it('wait for no rest where two redeem, one of them next', async () => {
    const { redeem } = openReplicas(1);
    const { read, carriedOut, answered } = LATENCY;
    await pass(100);
    const both = await within(1_000, Promise.all([redeem(0), redeem(0)]));
    // Two creations, one after the other, with reads before, between and after them.
    const most = 2 * (carriedOut + answered) + 4 * read + 1;
    for (const { outcome, ms } of both ?? []) expect([outcome, ms <= most]).toEqual(['recorded', true]);
    expect(both).toHaveLength(2);
  });

  it('wait for no rest where two redeem, one use after the other', async () => {
    const { load, filled } = openReplicas(1);
    await within(2_000, load(0, 2, 1_000));
    // A rest for each would make it 50.
    expect(filled.size).toBeGreaterThan(100);
  });

  it('go on without a watch', async () => {
    const { load, filled, latency } = openReplicas(2);
    latency.watched = 3_600_000;
    await within(4_000, Promise.all([load(0, 5, 1_000), load(1, 5, 1_000)]));
    expect(filled.size).toBeGreaterThan(20);
  });

  it('fill no slot for who has waited too long', async () => {
    const { redeem, tried, latency } = openReplicas(1);
    latency.carriedOut = 5_000;
    const first = redeem(0);
    const second = redeem(0);
    const third = redeem(0);
    await within(30_000, Promise.all([first, second, third]));
    expect((await third).outcome).toContain('a slot was not to be had in time');
    expect(Math.max(...tried.map(({ at }) => at - (tried[0]?.at ?? 0)))).toBeLessThanOrEqual(8_000);
  });
});
