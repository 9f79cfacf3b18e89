import cluster from 'node:cluster';
import { type RunningService, type RuntimeContext, startService } from '../../compose/runtime.js';
import type { Settings } from '../../config/setting-schemas.js';
import { describeFailure } from '../terminal/failure.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';
import { listenFailure } from './listen-failure.js';
import type { WorkerMessage, WorkerOrder } from './worker-message.js';

const TELLING_MS = 5_000;

/** Runs the service as one of several processes, until a signal or the end of the main process. */
export async function runWorker(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = shutdownSignal();
  // At the end of the main process Node would end this one at once, with its requests; stop normally instead.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
  const lost = new Promise<undefined>((resolve) => {
    process.once('disconnect', () => {
      resolve(undefined);
      process.kill(process.pid, 'SIGTERM');
    });
    // A broken channel fails here shortly before it is reported as closed.
    cluster.worker?.on('error', () => resolve(undefined));
  });
  const started = startService(settings, runtime).catch(async (error: unknown) => {
    const { message, hint, exitCode } = describeFailure(listenFailure(error, settings));
    await tell({ failed: { message, hint, exitCode } });
    leave();
    return undefined;
  });
  // A request of a starting service to the main process would never be answered.
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

/** Disconnects from the main process, which may have ended. */
function leave(): void {
  if (process.connected) process.disconnect();
}

/** Sends a message to the main process, which may have ended. */
function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, () => resolve());
    else resolve();
  });
}
