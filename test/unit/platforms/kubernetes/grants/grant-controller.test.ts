import { randomUUID } from 'node:crypto';
import { EventEmitter, on, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import {
  ACCESS_GRANTS,
  LEASES,
  REDEMPTIONS,
  SITES,
} from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type {
  Resource,
  ResourceKey,
  ResourceKind,
} from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  GrantController,
  type GrantControllerOptions,
} from '../../../../../src/platforms/kubernetes/grants/grant-controller.js';
import { until } from '../../../../support/until.js';

/** A client of a cluster with these grants, which are deleted before they are read. Records the order in which they are read. */
function clientWith(grants: readonly ResourceKey[]) {
  const read: string[] = [];
  const metadataOf = (name: string) => ({ name, uid: name, resourceVersion: '1' });
  const items = grants.map((grant) => ({ metadata: { ...grant, ...metadataOf(grant.name) }, spec: {} }));
  const client = {
    async find(kind: ResourceKind, { namespace }: ResourceKey) {
      if (kind === ACCESS_GRANTS) read.push(namespace ?? '');
      return undefined;
    },
    create: async (_kind: ResourceKind, lease: Resource) => ({ ...lease, metadata: metadataOf('lease') }),
    list: async (kind: ResourceKind) => ({
      items: kind === ACCESS_GRANTS ? items : [],
      resourceVersion: '1',
      next: undefined,
    }),
    async *watch(_kind: ResourceKind, _selection: unknown, signal: AbortSignal) {
      yield await once(signal, 'abort').then(() => Promise.reject(signal.reason));
    },
  };
  return { client, read };
}

function controllerOf(client: object, more: Partial<GrantControllerOptions> = {}): GrantController {
  return new GrantController({
    client,
    ownNamespace: 'linkgrant',
    identity: 'one',
    serviceEndpoint: () => undefined,
    clock: Date.now,
    wait: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    onLeadingChange: () => undefined,
    onFailure: () => undefined,
    ...more,
  } as unknown as GrantControllerOptions);
}

it('at most two grants of a namespace are reconciled at a time, and a grant of another namespace beside them', async () => {
  const busy = Array.from({ length: 50 }, (_, number) => ({ namespace: 'busy', name: `g-${number}` }));
  const { client, read } = clientWith([...busy, { namespace: 'quiet', name: 'g' }]);
  const answer = new AbortController();
  const controller = controllerOf({
    ...client,
    async find(kind: ResourceKind, key: ResourceKey) {
      await client.find(kind, key);
      if (kind === ACCESS_GRANTS && !answer.signal.aborted) await once(answer.signal, 'abort');
    },
  });
  controller.start();
  await until(() => controller.isLeading && controller.problem() === undefined);
  controller.reconcileAll();
  await until(() => read.includes('quiet'));
  expect(read.filter((namespace) => namespace === 'busy')).toHaveLength(2);
  answer.abort();
  await until(() => read.length > busy.length);
  await controller.stop();
});

it('the status of a grant does not wait for all grants of another namespace', async () => {
  const busy = Array.from({ length: 200 }, (_, number) => ({ namespace: 'busy', name: `g-${number}` }));
  const { client, read } = clientWith([...busy, { namespace: 'quiet', name: 'g' }]);
  const controller = controllerOf(client);
  controller.start();
  await until(() => controller.isLeading && controller.problem() === undefined);
  controller.reconcileAll();
  await until(() => read.length > busy.length);
  await controller.stop();
  expect(read.indexOf('quiet')).toBeLessThan(20);
});

/** Advances the fake timers. Before and after that, completes the work that waits for no timer. */
async function advance(ms: number): Promise<void> {
  const complete = async () => {
    for (let turn = 0; turn < 2_000; turn += 1) await new Promise(setImmediate);
  };
  await complete();
  await vi.advanceTimersByTimeAsync(ms);
  await complete();
}

/** Starts a controller with fake timers, and reports redemptions of each grant. Returns the growing list of later reads. */
async function readsAfterRedemptions(
  grants: readonly ResourceKey[],
  slots: readonly number[],
): Promise<string[]> {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client, read } = clientWith(grants);
  const redeemed = new AbortController();
  const controller = controllerOf({
    ...client,
    async *watch(kind: ResourceKind, selection: unknown, signal: AbortSignal) {
      await once(redeemed.signal, 'abort');
      for (const { namespace, name } of kind === REDEMPTIONS ? grants : []) {
        for (const slot of slots) {
          const metadata = { namespace, name: `${name}-${slot}`, resourceVersion: '2' };
          yield { type: 'ADDED', object: { metadata, spec: {} } };
        }
      }
      yield* client.watch(kind, selection, signal);
    },
  });
  onTestFinished(() => controller.stop());
  controller.start();
  await advance(1_000);
  expect(controller.isLeading).toBe(true);
  redeemed.abort();
  read.length = 0;
  return read;
}

it('a grant is reconciled once, two seconds after the first of several redemptions', async () => {
  const read = await readsAfterRedemptions([{ namespace: 'n', name: randomUUID() }], [0, 1, 2]);
  await advance(1_900);
  expect(read).toHaveLength(0);
  await advance(5_000);
  expect(read).toHaveLength(1);
});

it('ten grants a second are reconciled after redemptions of many grants', async () => {
  const grants = Array.from({ length: 400 }, () => ({ namespace: 'n', name: randomUUID() }));
  const read = await readsAfterRedemptions(grants, [0]);
  await advance(3_050);
  expect(read).toHaveLength(30);
  await advance(4_000);
  expect(read).toHaveLength(70);
});

it('a grant is reconciled two seconds after its redemption, also while many grants of another namespace wait', async () => {
  const busy = Array.from({ length: 400 }, () => ({ namespace: 'busy', name: randomUUID() }));
  const read = await readsAfterRedemptions([...busy, { namespace: 'quiet', name: randomUUID() }], [0]);
  await advance(2_050);
  expect(read).toContain('quiet');
  expect(read.length).toBeLessThan(30);
});

it('ten grants a second are reconciled after redemptions of one grant in each of many namespaces', async () => {
  const grants = Array.from({ length: 200 }, (_, number) => ({
    namespace: `n-${number}`,
    name: randomUUID(),
  }));
  const read = await readsAfterRedemptions(grants, [0]);
  await advance(3_050);
  expect(read).toHaveLength(30);
});

/** Starts a controller with fake timers. Returns the growing list of later reads, and a function that reports a Site. */
async function readsAfterSiteEvents(grants: readonly ResourceKey[]) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client } = clientWith(grants);
  const read: string[] = [];
  const events = new EventEmitter();
  // With the fake timers, so that the controller stays the leader.
  const wait = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  let lease: Resource | undefined;
  const reading = {
    ...client,
    async find(kind: ResourceKind, { namespace, name }: ResourceKey) {
      if (kind === ACCESS_GRANTS) read.push(`${namespace}/${name}`);
      return kind === LEASES ? lease : undefined;
    },
    create: async (_kind: ResourceKind, created: Resource) => {
      lease = { ...created, metadata: { ...created.metadata, resourceVersion: '1' } };
      return lease;
    },
    replace: async (_kind: ResourceKind, replaced: Resource) => replaced,
    async *watch(kind: ResourceKind, selection: unknown, signal: AbortSignal) {
      if (kind !== SITES) return yield* client.watch(kind, selection, signal);
      for await (const [object] of on(events, 'site', { signal })) yield { type: 'MODIFIED', object };
    },
  };
  const controller = controllerOf(reading, { wait });
  onTestFinished(() => controller.stop());
  controller.start();
  await advance(1_000);
  expect(controller.isLeading).toBe(true);
  let version = 1;
  const reportSite = (namespace: string, port: number) => {
    version += 1;
    const annotations = { version: `${version}` };
    const metadata = { namespace, name: 'site', uid: namespace, resourceVersion: `${version}`, annotations };
    const endpoints = [{ name: 'inter-router', host: 'west', port: `${port}`, group: 'skupper-router' }];
    events.emit('site', { metadata, spec: {}, status: { endpoints } });
  };
  read.length = 0;
  return { read, reportSite };
}

const busyGrants = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ namespace: 'busy', name: `g-${number}` }));

it('no grant is read when only the annotations of a Site change', async () => {
  const { read, reportSite } = await readsAfterSiteEvents(busyGrants(20));
  reportSite('busy', 1);
  await advance(5_000);
  expect(read).toHaveLength(20);
  read.length = 0;
  for (let event = 0; event < 30; event += 1) {
    reportSite('busy', 1);
    await advance(1_000);
  }
  expect(read).toEqual([]);
});

it.each([150, 1_500])(
  'ten of %d grants are read a second, each in its turn, while the endpoints of their Site change each second',
  async (count) => {
    const grants = busyGrants(count);
    const quiet = { namespace: 'quiet', name: 'g' };
    const { read, reportSite } = await readsAfterSiteEvents([...grants, quiet]);
    for (let second = 0; second < 30; second += 1) {
      reportSite('busy', 1 + (second % 2));
      if (second === 10) reportSite('quiet', 1);
      await advance(1_000);
    }
    expect(read).toHaveLength(300);
    expect(new Set(read).size).toBe(Math.min(count, 299) + 1);
    // Its event is preceded by a hundred reads. The namespaces are then read in rotation.
    expect([101, 102]).toContain(read.indexOf('quiet/g'));
  },
);

it('a change of the endpoints of a Site reaches each grant of its namespace', async () => {
  const { read, reportSite } = await readsAfterSiteEvents(busyGrants(50));
  reportSite('busy', 2);
  await advance(10_000);
  expect(read.toSorted()).toEqual(
    busyGrants(50)
      .map(({ name }) => `busy/${name}`)
      .toSorted(),
  );
});
