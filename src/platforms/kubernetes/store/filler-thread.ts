import { parentPort, workerData } from 'node:worker_threads';
import { openKubernetesClient } from '../client.js';
import type { ClusterOptions } from '../cluster-access.js';
import { type SentOrder, type SentOutcome, sentFailure } from './filler-orders.js';
import { InOrder } from './slot-filler.js';

// What the thread of ThreadedFiller runs. Where no client can be opened the thread ends, and another one tries it later.
const filler = new InOrder(await openKubernetesClient(workerData as ClusterOptions));

parentPort?.on('message', ({ number, order, sentAt }: SentOrder) => {
  const tell = (outcome: SentOutcome) => parentPort?.postMessage(outcome);
  const underWayMs = Number(process.hrtime.bigint() - sentAt) / 1e6;
  filler.fill({ ...order, withinMs: order.withinMs - underWayMs }).then(
    (outcome) => tell({ number, outcome }),
    (error: unknown) => tell({ number, failure: sentFailure(error) }),
  );
});
