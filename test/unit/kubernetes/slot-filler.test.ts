import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { ResourceKey, ResourceKind, Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import { receivedFailure, sentFailure } from '../../../src/platforms/kubernetes/store/filler-orders.js';
import { GrantAccounts } from '../../../src/platforms/kubernetes/store/grant-accounts.js';
import { recordRedemption } from '../../../src/platforms/kubernetes/store/record-redemption.js';
import {
  type RedemptionResource,
  redemptionResource,
  TURN,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { type FillOutcome, InOrder } from '../../../src/platforms/kubernetes/store/slot-filler.js';
import { sampleRedemption } from '../../support/store-samples.js';

const KEY = { namespace: 'west', name: 'shared' };
const HOUR = 3_600_000;
const takes = (ms: number) => new Promise((end) => setTimeout(end, ms));

/** An API server with one grant, whose slots fill; `meet` decides what a creation meets. */
function openServer(redemptionsAllowed = 1_000) {
  const uid = randomUUID();
  const now = Date.now();
  const grant = {
    metadata: {
      ...KEY,
      uid,
      resourceVersion: '1',
      creationTimestamp: new Date(now).toISOString(),
      annotations: {} as Record<string, string>,
    },
    spec: { redemptionsAllowed, expirationWindow: '1h' },
    status: { code: 'x'.repeat(24), expirationTime: new Date(now + HOUR).toISOString() },
  };
  const filled = new Map<string, Stored<RedemptionResource>>();
  const tried: string[] = [];
  const server = {
    meet: async (_name: string): Promise<void> => undefined,
    /** Fills a slot for another process. */
    fillElsewhere(slot: number) {
      const resource = redemptionResource(sampleRedemption(uid, KEY), KEY.name, slot, undefined);
      filled.set(resource.metadata.name, resource as Stored<RedemptionResource>);
    },
  };
  const client = {
    async create(_kind: ResourceKind, resource: Stored<RedemptionResource>) {
      const { name } = resource.metadata;
      tried.push(name);
      await takes(1);
      if (filled.has(name)) throw new ApiError('create', { reason: 'already_exists', status: 409 });
      await server.meet(name);
      filled.set(name, resource);
      return resource;
    },
    async find(kind: ResourceKind, { name }: ResourceKey) {
      await takes(1);
      return kind === ACCESS_GRANTS ? grant : filled.get(name);
    },
    get: async (_kind: ResourceKind, { name }: ResourceKey) => filled.get(name),
    patch: async (_kind: ResourceKind, { name }: ResourceKey) => filled.get(name),
    listAll: async () => ({ items: [...filled.values()] }),
  } as unknown as KubernetesClient;
  const accounts = new GrantAccounts(client, { locate: async () => KEY }, Date.now);
  const filler = new InOrder(client);
  const record = (redemption = sampleRedemption(uid, KEY), fill = filler.fill.bind(filler)) =>
    recordRedemption(
      uid,
      redemption,
      now,
      {},
      {
        client,
        filler: { fill },
        accounts,
        codes: { find: async () => undefined },
        sealed: {
          keep: async () => undefined,
          forget: async () => undefined,
          joined: async (known: unknown) => known,
        } as never,
        checkpoint: () => undefined,
        deadlineMs: 8_000,
      },
    );
  const order = (slot: number, follows?: string, withinMs = 1_000) => {
    const redemption = sampleRedemption(uid, KEY);
    const resource = redemptionResource(redemption, KEY.name, slot, undefined);
    const turn = { of: 'ours', heir: undefined };
    return { id: redemption.id, order: { resource, follows, isAmid: false, turn, withinMs } };
  };
  return Object.assign(server, { uid, grant, filled, tried, client, accounts, filler, record, order });
}

describe('slots that are filled in order', () => {
  it('are each tried when the one before it is filled, and say while more is to follow', async () => {
    const { filler, order, tried, filled } = openServer();
    const [zero, one] = [order(0), order(1)];
    const two = order(2, one.id);
    const outcomes = await Promise.all([
      // The only one when it is tried; its process knows of the others.
      filler.fill({ ...zero.order, isAmid: true }),
      filler.fill({ ...one.order, follows: zero.id }),
      filler.fill(two.order),
    ]);
    expect(outcomes).toEqual(['filled', 'filled', 'filled_last']);
    expect(tried.map((name) => name.at(-1))).toEqual(['0', '1', '2']);
    const said = [...filled.values()].map(({ metadata }) => metadata.annotations?.[TURN]);
    expect(said).toEqual(['ours ours', 'ours ours', 'ours']);
  });

  it('are not tried behind the last one of a turn that named another one', async () => {
    const { filler, order, tried, filled } = openServer();
    const [zero, one] = [order(0), order(1)];
    const last = filler.fill({ ...zero.order, turn: { of: 'ours', heir: 'theirs' } });
    expect(await filler.fill({ ...one.order, follows: zero.id })).toBe('untried');
    expect(await last).toBe('filled_last');
    expect([...filled.values()].map(({ metadata }) => metadata.annotations?.[TURN])).toEqual(['ours theirs']);
    expect(tried).toHaveLength(1);
  });

  it('are not tried behind one that another process had filled, whenever they come', async () => {
    const { filler, order, tried, ...server } = openServer();
    server.fillElsewhere(1);
    const [zero, one] = [order(0), order(1)];
    const two = order(2, one.id);
    const outcomes = Promise.all([
      filler.fill(zero.order),
      filler.fill({ ...one.order, follows: zero.id }),
      filler.fill(two.order),
    ]);
    expect(await outcomes).toEqual(['filled_last', 'taken', 'untried']);
    // Sent before it was known what became of those.
    expect(await filler.fill(order(3, two.id).order)).toBe('untried');
    expect(tried.map((name) => name.at(-1))).toEqual(['0', '1']);
    // Who has read all before it follows nobody.
    expect(await filler.fill(order(2).order)).toBe('filled_last');
  });

  it('are not tried behind one of which nobody knows what became of it, nor too late', async () => {
    const server = openServer();
    const { filler, order } = server;
    server.meet = () => Promise.reject(new ApiError('create', { reason: 'forbidden', status: 403 }));
    const zero = order(0);
    const failed = filler.fill(zero.order);
    const behind = filler.fill(order(1, zero.id).order);
    await expect(failed).rejects.toMatchObject({ reason: 'forbidden' });
    expect(await behind).toBe('untried');
    expect(await filler.fill(order(0, undefined, 0).order)).toBe('late');
    expect(server.filled.size).toBe(0);
  });
});

describe('redemptions of a grant that come at once', () => {
  it('keep their order, and none is tried in vain but one, where another process fills a slot amid them', async () => {
    const { record, filled, tried, uid, ...server } = openServer();
    const known = Array.from({ length: 40 }, () => sampleRedemption(uid, KEY));
    server.fillElsewhere(3);
    expect(await Promise.all(known.map((redemption) => record(redemption)))).toEqual(
      known.map(() => 'recorded'),
    );
    expect(filled.size).toBe(41);
    expect(tried).toHaveLength(41);
    const bySlot = [...filled.values()].sort((a, b) => a.spec.slot - b.spec.slot).map(({ spec }) => spec.id);
    const ours = bySlot.filter((id) => known.some((redemption) => redemption.id === id));
    // The first that waited for a turn goes on while the others come again.
    const late = known.map(({ id }) => id).filter((id, index) => Math.abs(ours.indexOf(id) - index) > 16);
    expect(late).toEqual([]);
  });

  it('are confirmed also where the answer to the own creation was lost, and another one waits', async () => {
    const { record, uid, filler, grant, filled, accounts } = openServer();
    let calls = 0;
    const lostOnce: InOrder['fill'] = async (order): Promise<FillOutcome> => {
      calls += 1;
      const isFirst = calls === 1;
      const outcome = await filler.fill(order);
      if (!isFirst) return outcome;
      // The watch tells of it first.
      accounts.note(filled.get(order.resource.metadata.name) as Stored<RedemptionResource>);
      grant.metadata.annotations = { 'linkgrant.dev/revoked': new Date().toISOString() };
      return 'taken';
    };
    const first = record(sampleRedemption(uid, KEY), lostOnce);
    const second = record(sampleRedemption(uid, KEY), lostOnce);
    expect(await first).toEqual({ refused: 'grant_revoked' });
    expect(await second).toEqual({ refused: 'grant_revoked' });
    expect(filled.size).toBeLessThanOrEqual(2);
  });

  it('with the same replay key are one', async () => {
    const { record, uid, filled } = openServer();
    const one = sampleRedemption(uid, KEY);
    const same = { ...sampleRedemption(uid, KEY), replayKey: one.replayKey };
    const [first, second] = await Promise.all([record(one), record(same)]);
    expect(first).toBe('recorded');
    expect(second).toMatchObject({ replayOf: { id: one.id } });
    expect(filled.size).toBe(1);
  });

  it('are as many as the grant allows', async () => {
    const { record, filled } = openServer(5);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => record()));
    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome !== 'recorded')).toEqual(
      Array.from({ length: 15 }, () => ({ refused: 'grant_exhausted' })),
    );
    expect(filled.size).toBe(5);
  });
});

describe('an error that comes from another thread', () => {
  it('says what it said there', () => {
    const cause = new Error('the connection broke', { cause: new Error('read ECONNRESET') });
    const error = new ApiError(
      'create redemptions',
      { reason: 'unavailable', status: 503, retryAfter: 2, outcomeUnknown: true, causes: ['Why'] },
      { cause },
    );
    const received = receivedFailure(structuredClone(sentFailure(error)));
    expect(received).toBeInstanceOf(ApiError);
    expect(received).toMatchObject({
      message: error.message,
      reason: 'unavailable',
      status: 503,
      retryAfter: 2,
      outcomeUnknown: true,
      causes: ['Why'],
      cause: { message: 'read ECONNRESET' },
    });
    expect(receivedFailure(structuredClone(sentFailure(new TypeError('odd'))))).toMatchObject({
      message: 'odd',
    });
  });
});
