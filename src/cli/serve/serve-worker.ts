import cluster from 'node:cluster';
import { type RunningService, type RuntimeContext, startService } from '../../compose/runtime.js';
import type { Settings } from '../../config/setting-schemas.js';
import { describeFailure } from '../terminal/failure.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';
import { listenFailure } from './listen-failure.js';
import type { WorkerMessage } from './worker-message.js';

const REPORT_MS = 5_000;

/** Runs the service as one of several processes, until a stop signal or the end of the primary process. */
export async function runWorker(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = shutdownSignal();
  // A stop of a unit by systemd sends SIGTERM to each process, and the primary process sends it too. Without this listener the
  // second signal would end this process in the middle of its requests.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  // If the primary process ends, Node would exit this worker at once and drop its requests. This flag prevents that; the
  // `disconnect` handler below starts an ordinary stop instead.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
  const lost = new Promise<undefined>((resolve) => {
    process.once('disconnect', () => {
      resolve(undefined);
      process.kill(process.pid, 'SIGTERM');
    });
    // A broken channel emits `error` before `disconnect`.
    cluster.worker?.on('error', () => resolve(undefined));
  });
  const started = startService(settings, runtime).catch(async (error: unknown) => {
    const { message, hint, exitCode } = describeFailure(listenFailure(error, settings));
    await sendToPrimary({ failed: { message, hint, exitCode } });
    leave();
    return undefined;
  });
  // If the primary process has ended, a starting service would wait forever for its responses.
  const service = await Promise.race([started, lost]);
  if (!service) return;
  process.on('SIGHUP', () => {
    void service.reloadIdentity().finally(() => sendToPrimary({ reloaded: true }));
  });
  const { description, listening, adminListening } = service;
  await sendToPrimary({
    ready: { description, port: listening.port, adminPort: adminListening?.port },
    ...(await workerState(service)),
  });
  const reporting = setInterval(async () => sendToPrimary(await workerState(service)), REPORT_MS);
  await stop;
  clearInterval(reporting);
  await service.close();
  await sendToPrimary(await workerState(service));
  leave();
}

async function workerState(service: RunningService): Promise<WorkerMessage> {
  const metrics = await service.metrics.registry.getMetricsAsJSON();
  return { metrics, certificateTimes: service.certificateTimes() };
}

/** Disconnects from the primary process if it still runs. */
function leave(): void {
  if (process.connected) process.disconnect();
}

/** Sends a message to the primary process, which may have ended. */
function sendToPrimary(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, () => resolve());
    else resolve();
  });
}
