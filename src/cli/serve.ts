import cluster from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { ReadinessPart } from '../admin/operations-app.js';
import { createLogger } from '../logger.js';
import { openStore } from '../open-store.js';
import type { ServiceDescription } from '../redemption/service-description.js';
import {
  prepareService,
  type RunningService,
  type RuntimeContext,
  startOperations,
  startService,
} from '../runtime.js';
import type { Settings } from '../setting-schemas.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { formatFingerprint } from './output.js';

const RESTART_DELAY_MS = 1_000;

type Context = Pick<RuntimeContext, 'clock' | 'checkpoint'>;

/** What a worker tells the process that started it. */
interface WorkerReady {
  readonly ready: { readonly description: ServiceDescription; readonly port: number };
}

/** Runs the service until it is told to stop (SIGTERM, SIGINT); resolves when everything is closed. */
export async function serveCommand(
  flags: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<void> {
  const { settings } = configurationFrom(flags);
  const runtime: RuntimeContext = { ...context, logger: createLogger(settings.logLevel) };
  try {
    if (cluster.isWorker) await runWorker(settings, runtime);
    else if (settings.workers > 1) await runWorkers(settings, runtime);
    else await runAlone(settings, runtime);
  } catch (error) {
    throw portInUse(error, settings) ?? error;
  }
}

function portInUse(error: unknown, settings: Settings): CommandError | undefined {
  const { code, port } = error as { code?: string; port?: number };
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return undefined;
  if (code === 'EACCES' && port === undefined) return undefined;
  const flag = port === settings.opsListen?.port ? '--ops-listen' : '--listen';
  const owner = port === 9090 ? ' (on many hosts port 9090 is Cockpit or Prometheus)' : '';
  const cause = code === 'EACCES' ? 'may not be used by this user' : `is in use already${owner}`;
  return new CommandError(`port ${port} ${cause}`, {
    exitCode: 1,
    hint: `choose another with ${flag} HOST:PORT`,
    cause: error,
  });
}

function banner(
  { url, caSha256, endpoints }: ServiceDescription,
  port: number,
  opsPort: number | undefined,
): string {
  const next =
    endpoints.length > 0
      ? 'Next: linkgrant token issue token.yaml'
      : 'No link can be accepted yet: start with --endpoint inter-router=HOST:PORT, the address of your router';
  return [
    `Serving ${url} on port ${port}${opsPort === undefined ? '' : `, health and metrics on port ${opsPort}`}`,
    `CA SHA-256 fingerprint ${formatFingerprint(caSha256)}`,
    next,
    '',
  ].join('\n');
}

/** Resolves at the first SIGTERM or SIGINT. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

async function runAlone(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = toldToStop();
  const service = await startService(settings, runtime);
  process.on('SIGHUP', () => void service.reloadIdentity());
  const { registry } = service.metrics;
  const operations =
    settings.opsListen &&
    (await startOperations(settings.opsListen, {
      parts: service.readiness,
      metrics: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
    }));
  process.stdout.write(banner(service.description, service.listening.port, operations?.listening.port));
  await stop;
  await operations?.close();
  await service.close();
}

async function runWorker(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = toldToStop();
  // The one that started this process has gone: nobody would stop it.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  const service: RunningService = await startService(settings, runtime);
  process.on('SIGHUP', () => void service.reloadIdentity());
  AggregatorRegistry.setRegistries([service.metrics.registry]);
  // Answers the collector's requests for metrics.
  new AggregatorRegistry();
  const told: WorkerReady = { ready: { description: service.description, port: service.listening.port } };
  process.send?.(told);
  await stop;
  await service.close();
  process.disconnect?.();
}

async function runWorkers(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = toldToStop();
  await prepareService(settings, runtime);
  // Node's round-robin costs more for each connection than a whole handshake's system calls.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  let stopping = false;
  const first = new Promise<WorkerReady['ready']>((resolve, reject) => {
    cluster.on(
      'message',
      (_worker, message: Partial<WorkerReady>) => message.ready && resolve(message.ready),
    );
    cluster.once('exit', () =>
      reject(
        new CommandError('a worker ended before it served', { exitCode: 1, hint: 'its error stands above' }),
      ),
    );
  });
  for (let worker = 0; worker < settings.workers; worker += 1) cluster.fork();
  const { description, port } = await first;
  cluster.on('exit', (worker, code, signal) => {
    if (stopping) return;
    runtime.logger.error(
      { event: 'worker_ended', worker: worker.id, code, signal },
      'a worker ended; another one follows',
    );
    setTimeout(() => !stopping && cluster.fork(), RESTART_DELAY_MS);
  });
  process.on('SIGHUP', () => signalWorkers('SIGHUP'));
  const operations = settings.opsListen && (await startClusterOperations(settings, runtime));
  process.stdout.write(banner(description, port, operations?.listening.port));
  await stop;
  stopping = true;
  await operations?.close();
  const ended = Promise.all(
    Object.values(cluster.workers ?? {}).map(
      (worker) => new Promise((resolve) => worker?.once('exit', resolve)),
    ),
  );
  signalWorkers('SIGTERM');
  await ended;
}

function signalWorkers(signal: NodeJS.Signals): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
}

async function startClusterOperations(settings: Settings, runtime: RuntimeContext) {
  const collector = new AggregatorRegistry();
  const store = await openStore(settings, runtime, false);
  const workers: ReadinessPart = {
    name: 'workers',
    ready: async () => {
      const running = Object.keys(cluster.workers ?? {}).length;
      if (running < settings.workers) throw new Error(`${running} of ${settings.workers} workers run`);
    },
  };
  const listener = await startOperations(settings.opsListen as NonNullable<Settings['opsListen']>, {
    parts: [workers, { name: 'store', ready: () => store.probe() }],
    metrics: async () => ({ text: await collector.clusterMetrics(), contentType: collector.contentType }),
  });
  return {
    listening: listener.listening,
    close: async () => {
      await listener.close();
      await store.close();
    },
  };
}
