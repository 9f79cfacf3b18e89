import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ACCESS_GRANTS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
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
  const metadataOf = (name: string) => ({ name, uid: `uid of ${name}`, resourceVersion: '1' });
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

it('the status of a grant does not wait for all grants of another namespace', async () => {
  const busy = Array.from({ length: 200 }, (_, number) => ({ namespace: 'busy', name: `g-${number}` }));
  const { client, read } = clientWith([...busy, { namespace: 'quiet', name: 'g' }]);
  const controller = new GrantController({
    client,
    ownNamespace: 'linkgrant',
    identity: 'one',
    serviceEndpoint: () => undefined,
    clock: Date.now,
    wait: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    onFailure: () => undefined,
  } as unknown as GrantControllerOptions);
  controller.start();
  await until(() => controller.isLeading && controller.problem() === undefined);
  controller.reconcileAll();
  await until(() => read.length > busy.length);
  await controller.stop();
  expect(read.indexOf('quiet')).toBeLessThan(20);
});
