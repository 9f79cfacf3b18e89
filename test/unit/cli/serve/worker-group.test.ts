import cluster, { type Worker } from 'node:cluster';
import pino from 'pino';
import { afterEach, expect, it, vi } from 'vitest';
import { WorkerMetrics } from '../../../../src/admin/worker-metrics.js';
import { WorkerGroup } from '../../../../src/cli/serve/worker-group.js';

afterEach(() => {
  vi.restoreAllMocks();
  for (const event of ['message', 'fork', 'exit']) cluster.removeAllListeners(event);
});

/** A worker, as far as its messages are concerned. */
function workerOf(id: number, isDead: boolean): Worker {
  return { id, isDead: () => isDead } as Worker;
}

it('a late message of a worker that has ended does not count it as serving', async () => {
  const [live, dead] = [workerOf(1, false), workerOf(2, true)];
  vi.spyOn(cluster, 'fork').mockReturnValue(live);
  const group = new WorkerGroup(2, new WorkerMetrics(), pino({ level: 'silent' }));
  const started = group.start();
  cluster.emit('message', live, { ready: {} });
  await started;
  cluster.emit('message', dead, { ready: {} });
  expect(group.serving).toBe(1);
});
