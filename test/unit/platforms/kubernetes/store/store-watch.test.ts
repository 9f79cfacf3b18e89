import { EventEmitter, on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { RedemptionIndex } from '../../../../../src/platforms/kubernetes/store/redemption-index.js';
import { LazyStoreWatch } from '../../../../../src/platforms/kubernetes/store/store-watch.js';
import { releaseAfterTest } from '../../../../support/release.js';

const UNAVAILABLE = new ApiError('list redemptions', { reason: 'unavailable' });

/** A watch of an API server that answers each listing with `list`, and reports no changes. */
function openWatch(list: () => Promise<unknown>): LazyStoreWatch {
  const client = {
    list,
    watch: (_kind: unknown, _selection: unknown, signal: AbortSignal) =>
      on(new EventEmitter(), 'change', { signal }),
  } as unknown as KubernetesClient;
  const index = new RedemptionIndex();
  const watch = new LazyStoreWatch(client, { namespace: undefined, clock: () => 0, index });
  releaseAfterTest({ close: () => watch.close() });
  return watch;
}

const EMPTY = { items: [], resourceVersion: '1', next: undefined };

describe('a watch that starts when it is needed', () => {
  it('reports no earlier failure after the API server has recovered', async () => {
    let failures = 0;
    const watch = openWatch(async () => {
      if (failures >= 6) return EMPTY;
      failures += 1;
      throw UNAVAILABLE;
    });
    await expect(watch.ready()).rejects.toBe(UNAVAILABLE);
    while (failures < 6) await sleep(10);
    await watch.ready();
  });

  it('reports a failure that lasts to each caller, without the pause before the next attempt', async () => {
    const watch = openWatch(() => Promise.reject(UNAVAILABLE));
    const startedAt = performance.now();
    for (let call = 0; call < 10; call += 1) {
      const results = await Promise.allSettled([watch.ready(), watch.ready()]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    }
    // With the pauses of the back-off, ten attempts would take at least 25 s.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  it('rejects its callers when it is closed, although the API server does not answer', async () => {
    const watch = openWatch(() => new Promise(() => {}));
    const waiting = expect(watch.ready()).rejects.toMatchObject({ code: 'store_unavailable' });
    watch.close();
    await waiting;
  });
});
