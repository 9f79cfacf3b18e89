import { parentPort, workerData } from 'node:worker_threads';
import { clientOf, openKubernetesClient } from '../api/client.js';
import {
  accessFrom,
  ClusterConfigError,
  type ClusterOptions,
  type PortableAccess,
} from '../api/cluster-access.js';
import {
  type AccessGiven,
  type AccessWanted,
  receivedFailure,
  type SentOrder,
  type SentOutcome,
  sentFailure,
} from './filler-orders.js';
import { InOrder } from './slot-filler.js';

// What the thread of ThreadedFiller runs. It reads no configuration: what reads that takes 80 MB.

interface Asking {
  readonly give: (access: PortableAccess | undefined) => void;
  readonly fail: (error: Error) => void;
}

const asking = new Map<number, Asking>();
let asked = 0;
const waiting: SentOrder[] = [];
let filler: InOrder | undefined;

function ask(again: boolean): Promise<PortableAccess | undefined> {
  asked += 1;
  const wanted: AccessWanted = { asked, again };
  return new Promise((give, fail) => {
    asking.set(wanted.asked, { give, fail });
    parentPort?.postMessage(wanted);
  });
}

async function openFiller(): Promise<InOrder> {
  if (!(await ask(false))) return new InOrder(await openKubernetesClient(workerData as ClusterOptions));
  const access = accessFrom(async (again) => {
    const given = await ask(again);
    if (!given) throw new ClusterConfigError('the cluster is reached through a proxy by now');
    return given;
  });
  return new InOrder(clientOf(access));
}

function carryOut(to: InOrder, { number, order, sentAt }: SentOrder): void {
  const tell = (outcome: SentOutcome) => parentPort?.postMessage(outcome);
  const underWayMs = Number(process.hrtime.bigint() - sentAt) / 1e6;
  to.fill({ ...order, withinMs: order.withinMs - underWayMs }).then(
    (outcome) => tell({ number, outcome }),
    (error: unknown) => tell({ number, failure: sentFailure(error) }),
  );
}

parentPort?.on('message', (message: SentOrder | AccessGiven) => {
  if ('order' in message) {
    if (filler) carryOut(filler, message);
    else waiting.push(message);
    return;
  }
  const who = asking.get(message.asked);
  asking.delete(message.asked);
  if ('failure' in message) who?.fail(receivedFailure(message.failure));
  else who?.give(message.access);
});

// Where that fails the thread ends, and another one tries it later.
filler = await openFiller();
for (const order of waiting.splice(0)) carryOut(filler, order);
