import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ACCESS_GRANTS, REDEMPTIONS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
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
function clientWith(grants: readonly { readonly namespace: string; readonly name: string }[]) {
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

function controllerOf(client: object): GrantController {
  return new GrantController({
    client,
    ownNamespace: 'linkgrant',
    identity: 'one',
    serviceEndpoint: () => undefined,
    clock: Date.now,
    wait: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    onFailure: () => undefined,
  } as unknown as GrantControllerOptions);
}

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

it('the status of a grant is read and written once for its redemptions within two seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const grant = { namespace: 'n', name: randomUUID() };
  const { client, read } = clientWith([grant]);
  const redeemed = new AbortController();
  const controller = controllerOf({
    ...client,
    async *watch(kind: ResourceKind, selection: unknown, signal: AbortSignal) {
      await once(redeemed.signal, 'abort');
      for (const slot of [0, 1, 2]) {
        const metadata = { namespace: 'n', name: `${grant.name}-${slot}`, resourceVersion: '2' };
        if (kind === REDEMPTIONS) yield { type: 'ADDED', object: { metadata, spec: {} } };
      }
      yield* client.watch(kind, selection, signal);
    },
  });
  controller.start();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(controller.isLeading).toBe(true);
  const before = read.length;
  redeemed.abort();
  await vi.advanceTimersByTimeAsync(1_900);
  expect(read).toHaveLength(before);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(read).toHaveLength(before + 1);
  await controller.stop();
});
