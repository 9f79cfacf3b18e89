import cluster from 'node:cluster';
import { type RunningService, type RuntimeContext, startService } from '../../compose/runtime.js';
import type { Settings } from '../../config/setting-schemas.js';
import { describeFailure } from '../terminal/failure.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';
import { listenFailure } from './listen-failure.js';
import type { WorkerMessage, WorkerOrder } from './worker-message.js';

const TELLING_MS = 5_000;

/** Runs the service as one of several processes, until this one is told to stop or the one that started it has gone. */
export async function runWorker(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = shutdownSignal();
  // When the one that started this process has gone, Node would end it at once, requests and all; so this is an ordinary
  // stop instead.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
  const lost = new Promise<undefined>((resolve) => {
    process.once('disconnect', () => {
      resolve(undefined);
      process.kill(process.pid, 'SIGTERM');
    });
    // That the channel is broken shows here a moment before it is told to be closed.
    cluster.worker?.on('error', () => resolve(undefined));
  });
  const started = startService(settings, runtime).catch(async (error: unknown) => {
    const { message, hint, exitCode } = describeFailure(listenFailure(error, settings));
    await tell({ failed: { message, hint, exitCode } });
    leave();
    return undefined;
  });
  // What a service that starts has asked of the other process is never answered then.
  const service = await Promise.race([started, lost]);
  if (!service) return;
  process.on('SIGHUP', () => void service.reloadIdentity());
  process.on('message', (order: WorkerOrder) => {
    if (order.tellMetrics) void tellState(service);
  });
  const { description, listening, adminListening } = service;
  await tell({
    ready: { description, port: listening.port, adminPort: adminListening?.port },
    ends: service.certificateTimes(),
  });
  const telling = setInterval(() => void tellState(service), TELLING_MS);
  await stop;
  clearInterval(telling);
  await service.close();
  await tellState(service);
  leave();
}

async function tellState({ metrics, certificateTimes }: RunningService): Promise<void> {
  await tell({ metrics: await metrics.registry.getMetricsAsJSON(), ends: certificateTimes() });
}

/** Lets go of the process that started this one, if it has not gone meanwhile. */
function leave(): void {
  if (process.connected) process.disconnect();
}

/** Tells the process that started this one; it may have gone meanwhile. */
function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, () => resolve());
    else resolve();
  });
}
