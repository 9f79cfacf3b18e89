import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { SITES } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { ResourceKey, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  TokenReconciler,
  type TokenReconcilerDependencies,
} from '../../../../../src/platforms/kubernetes/tokens/token-reconciler.js';

it('reports a namespace without the permissions once, although it processes two of its tokens at a time', async () => {
  const client = {
    find: async (_kind: ResourceKind, { namespace, name }: ResourceKey) => ({
      metadata: { namespace, name, uid: `uid of ${name}`, resourceVersion: '1', generation: 1 },
      spec: {},
    }),
    listAll: async (kind: ResourceKind) => {
      expect(kind).toBe(SITES);
      return { items: [], resourceVersion: '1' };
    },
    patch: async () => {
      throw new ApiError('patch accesstokens', { reason: 'forbidden' });
    },
  };
  const reported: string[] = [];
  const reconciler = new TokenReconciler({
    client,
    clock: () => 0,
    onNotServed: (namespace: string) => reported.push(namespace),
  } as unknown as TokenReconcilerDependencies);
  const results = await Promise.all([reconciler.reconcile('west/a'), reconciler.reconcile('west/b')]);
  expect(results).toEqual([{ requeueAfterMs: 60_000 }, { requeueAfterMs: 60_000 }]);
  expect(reported).toEqual(['west']);
});
