import { parentPort, workerData } from 'node:worker_threads';
import { clientOf, openKubernetesClient } from '../client.js';
import { accessFrom, type ClusterOptions, type PortableAccess } from '../cluster-access.js';
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

const asking: Asking[] = [];
const waiting: SentOrder[] = [];
let filler: InOrder | undefined;

function ask(again: boolean): Promise<PortableAccess | undefined> {
  const wanted: AccessWanted = { again };
  parentPort?.postMessage(wanted);
  return new Promise((give, fail) => {
    asking.push({ give, fail });
  });
}

async function openFiller(): Promise<InOrder> {
  if (!(await ask(false))) return new InOrder(await openKubernetesClient(workerData as ClusterOptions));
  const access = accessFrom(async (again) => {
    const given = await ask(again);
    if (!given) throw new Error('the cluster is reached through a proxy by now');
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
  const asked = asking.shift();
  if ('accessFailure' in message) asked?.fail(receivedFailure(message.accessFailure));
  else asked?.give(message.access);
});

// Where that fails the thread ends, and another one tries it later.
filler = await openFiller();
for (const order of waiting.splice(0)) carryOut(filler, order);
