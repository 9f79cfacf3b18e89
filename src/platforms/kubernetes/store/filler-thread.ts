import { parentPort, workerData } from 'node:worker_threads';
import { openKubernetesClient } from '../client.js';
import type { ClusterOptions } from '../cluster-access.js';
import { type SentOrder, type SentOutcome, sentFailure } from './filler-orders.js';
import { InOrder } from './slot-filler.js';

// What the thread of ThreadedFiller runs.
const opened = openKubernetesClient(workerData as ClusterOptions).then((client) => new InOrder(client));
// Told to each who orders.
opened.catch(() => undefined);

parentPort?.on('message', ({ number, order }: SentOrder) => {
  const tell = (outcome: SentOutcome) => parentPort?.postMessage(outcome);
  opened
    .then((filler) => filler.fill(order))
    .then(
      (outcome) => tell({ number, outcome }),
      (error: unknown) => tell({ number, failure: sentFailure(error) }),
    );
});
