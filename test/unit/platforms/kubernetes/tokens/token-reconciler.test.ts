import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { SITES } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Selection } from '../../../../../src/platforms/kubernetes/api/list-page.js';
import type { ResourceKey, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  TokenReconciler,
  type TokenReconcilerDependencies,
} from '../../../../../src/platforms/kubernetes/tokens/token-reconciler.js';
import { TestClock } from '../../../../support/test-clock.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A reconciler without permissions in namespace `west`, and the namespaces that it reported and checked. */
function withoutPermissions() {
  const forbidden = new ApiError('patch accesstokens', { reason: 'forbidden' });
  const checked: string[] = [];
  const client = {
    find: async (_kind: ResourceKind, { namespace, name }: ResourceKey) => ({
      metadata: { namespace, name, uid: `uid of ${name}`, resourceVersion: '1', generation: 1 },
      spec: {},
    }),
    list: async (kind: ResourceKind, { namespace = '' }: Selection) => {
      if (kind === SITES) return { items: [], resourceVersion: '1', next: undefined };
      checked.push(namespace);
      throw forbidden;
    },
    patch: async () => {
      throw forbidden;
    },
  };
  const clock = new TestClock();
  const reported: string[] = [];
  const reconciler = new TokenReconciler({
    client,
    clock: clock.read,
    onNotServed: (namespace: string) => reported.push(namespace),
  } as unknown as TokenReconcilerDependencies);
  return { reconciler, clock, reported, checked };
}

describe('a namespace without the permissions to redeem its tokens', () => {
  it('is reported once, although two of its tokens are processed at a time', async () => {
    const { reconciler, reported } = withoutPermissions();
    const results = await Promise.all([reconciler.reconcile('west/a'), reconciler.reconcile('west/b')]);
    expect(results).toEqual([{ requeueAfterMs: 60_000 }, { requeueAfterMs: 60_000 }]);
    expect(reported).toEqual(['west']);
  });

  it('is checked again after a minute, also if the clock was set back meanwhile', async () => {
    let elapsedMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => elapsedMs);
    const { reconciler, clock, checked } = withoutPermissions();
    await reconciler.reconcile('west/a');
    clock.advance(-3_600_000);
    elapsedMs += 59_000;
    expect(await reconciler.reconcile('west/a')).toEqual({ requeueAfterMs: 1_000 });
    expect(checked).toEqual([]);
    elapsedMs += 1_000;
    expect(await reconciler.reconcile('west/a')).toEqual({ requeueAfterMs: 60_000 });
    expect(checked).toEqual(['west']);
  });
});
