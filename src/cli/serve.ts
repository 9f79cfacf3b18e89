import cluster from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { CertificateTimes } from '../admin/certificate-readiness.js';
import type { ReadinessPart } from '../admin/operations-app.js';
import { isLoopback } from '../domain/peer-address.js';
import { createLogger } from '../logger.js';
import { openStore } from '../open-store.js';
import { startOperations, storeMetrics } from '../operations.js';
import type { ServiceDescription } from '../redemption/service-description.js';
import { prepareService, type RuntimeContext, startService } from '../runtime.js';
import type { Settings } from '../setting-schemas.js';
import { type SystemPlace, siteReports } from '../system-side.js';
import { CommandError, type ExitCode } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { describeFailure } from './failure.js';
import { listenFailure } from './listen-failure.js';
import { formatFingerprint } from './output.js';
import { plainText } from './plain-text.js';

const RESTART_DELAY_MS = 1_000;
const CERTIFICATE_ENDS_MS = 10_000;
const WORKER_LOST = { exitCode: 1, hint: 'what it wrote stands above' } as const;

type Context = Pick<RuntimeContext, 'clock' | 'checkpoint'>;

/** What a worker tells the process that started it. */
interface WorkerMessage {
  readonly ready?: { readonly description: ServiceDescription; readonly port: number };
  /** Told again and again, since a renewed certificate ends later. */
  readonly ends?: CertificateTimes;
  readonly failed?: {
    readonly message: string;
    readonly hint: string | undefined;
    readonly exitCode: ExitCode;
  };
}

/** Runs the service until it is told to stop (SIGTERM, SIGINT); resolves when everything is closed. */
export async function serveCommand(
  flags: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<void> {
  const { settings } = configurationFrom(flags);
  refuseEndpoints(settings);
  const runtime: RuntimeContext = { ...context, logger: createLogger(settings.logLevel) };
  try {
    if (cluster.isWorker) await runWorker(settings, runtime);
    else if (settings.workers > 1) await runWorkers(settings, runtime);
    else await runAlone(settings, runtime);
  } catch (error) {
    throw listenFailure(error, settings);
  }
}

/** On a site that tells its endpoints itself they would change nothing. */
function refuseEndpoints({ platform, endpoint }: Settings): void {
  if (platform === 'standalone' || endpoint === undefined) return;
  throw new CommandError(`--endpoint is for sites without a platform; on ${platform} the site tells them`, {
    exitCode: 2,
    hint: "name the host that its router's certificate is for with --host",
  });
}

async function banner(
  description: ServiceDescription,
  port: number,
  opsPort: number | undefined,
  { namespace }: Settings,
): Promise<string> {
  const { url, caSha256, system, endpoints } = description;
  const standalone =
    endpoints.length > 0
      ? 'Next: linkgrant token issue token.yaml'
      : `No link can be accepted yet: start with --endpoint inter-router=HOST:PORT, the address of your router${
          namespace === undefined
            ? ''
            : `, or, for the site of namespace ${namespace}, with --platform podman, docker or linux`
        }`;
  return [
    `Serving ${url} on port ${port}${opsPort === undefined ? '' : `, health and metrics on port ${opsPort}`}`,
    `CA SHA-256 fingerprint ${formatFingerprint(caSha256)}`,
    ...(system ? await siteLines(system) : [standalone]),
    '',
  ].join('\n');
}

/** A line for each served site: where links to it lead, or why none do. */
async function siteLines(system: SystemPlace): Promise<string[]> {
  const reports = await siteReports(system, Date.now);
  const lines = reports.map(({ namespace, access, otherPlatform }) => {
    const other =
      otherPlatform === undefined ? '' : ` (it runs on ${otherPlatform}, not on ${system.platform})`;
    if ('refused' in access)
      return `Namespace ${namespace}${other}: no links, ${access.reason}; ${access.hint}`;
    const leads = access.endpoints.map(({ name, host, port }) => `${name} ${host}:${port}`).join(', ');
    const local = access.endpoints.some(({ host }) => isLoopback(host));
    return `Namespace ${namespace}${other}: links to ${leads}${local ? ' (a loopback address: only for sites on this machine)' : ''}`;
  });
  const open = reports.find(({ access }) => !('refused' in access));
  if (open) return [...lines, `Next: linkgrant token issue token.yaml --namespace ${open.namespace}`];
  const where = reports.length > 0 ? [] : [`No namespace is in ${system.skupperHome}/namespaces`];
  const words = `${system.namespace === undefined ? '' : ` -n ${system.namespace}`}${system.platform === undefined ? '' : ` -p ${system.platform}`}`;
  return [
    ...lines,
    ...where,
    `Next: make a site that accepts links, with \`skupper site create NAME --enable-link-access${words}\``,
  ];
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
  try {
    process.on('SIGHUP', () => void service.reloadIdentity());
    const registries = [service.metrics.registry, service.storeMetrics];
    const operations =
      settings.opsListen &&
      (await startOperations(
        settings.opsListen,
        {
          parts: service.readiness,
          certificateTimes: service.certificateTimes,
          metrics: async () => (await Promise.all(registries.map((registry) => registry.metrics()))).join(''),
        },
        runtime,
      ));
    process.stdout.write(
      plainText(
        await banner(service.description, service.listening.port, operations?.listening.port, settings),
      ),
    );
    await stop;
    await operations?.close();
  } finally {
    await service.close();
  }
}

async function runWorker(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = toldToStop();
  // When the one that started this process has gone, Node would end it at once, requests and all; so this is an ordinary
  // stop instead.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  const service = await startService(settings, runtime).catch(async (error: unknown) => {
    const { message, hint, exitCode } = describeFailure(listenFailure(error, settings));
    await tell({ failed: { message, hint, exitCode } });
    process.disconnect();
    return undefined;
  });
  if (!service) return;
  process.on('SIGHUP', () => void service.reloadIdentity());
  AggregatorRegistry.setRegistries([service.metrics.registry]);
  // Answers the collector's requests for metrics.
  new AggregatorRegistry();
  const { description, listening } = service;
  await tell({ ready: { description, port: listening.port }, ends: service.certificateTimes() });
  const telling = setInterval(() => void tell({ ends: service.certificateTimes() }), CERTIFICATE_ENDS_MS);
  await stop;
  clearInterval(telling);
  await service.close();
  process.disconnect?.();
}

/** Tells the process that started this one; it may have gone meanwhile. */
function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, () => resolve());
    else resolve();
  });
}

async function runWorkers(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = toldToStop();
  await prepareService(settings, runtime);
  // Node's round-robin costs more for each connection than a whole handshake's system calls.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  let stopping = false;
  let ends: CertificateTimes | undefined;
  const first = new Promise<NonNullable<WorkerMessage['ready']>>((resolve, reject) => {
    cluster.on('message', (_worker, message: WorkerMessage) => {
      ends = message.ends ?? ends;
      if (message.ready) resolve(message.ready);
      if (!message.failed) return;
      reject(new CommandError(message.failed.message, message.failed));
      // Before the first one serves, the command itself ends with it.
      if (ends) runtime.logger.error({ event: 'worker_failed' }, message.failed.message);
    });
    cluster.once('exit', (_worker, code, signal) =>
      reject(
        new CommandError(`a worker ended before it served (${signal ?? `exit code ${code}`})`, WORKER_LOST),
      ),
    );
  });
  try {
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
    const operations =
      settings.opsListen && (await startClusterOperations(settings, runtime, () => ends as CertificateTimes));
    process.stdout.write(plainText(await banner(description, port, operations?.listening.port, settings)));
    await stop;
    await operations?.close();
  } finally {
    stopping = true;
    await endWorkers();
  }
}

async function endWorkers(): Promise<void> {
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

async function startClusterOperations(
  settings: Settings,
  runtime: RuntimeContext,
  certificateTimes: () => CertificateTimes,
) {
  const collector = new AggregatorRegistry();
  const store = await openStore(settings, runtime, false);
  const workers: ReadinessPart = {
    name: 'workers',
    ready: async () => {
      const running = Object.keys(cluster.workers ?? {}).length;
      if (running < settings.workers) throw new Error(`${running} of ${settings.workers} workers run`);
    },
  };
  const parts = [workers, { name: 'store', ready: () => store.probe() }];
  const whole = storeMetrics(store, runtime);
  const metrics = async () => (await Promise.all([collector.clusterMetrics(), whole.metrics()])).join('');
  const address = settings.opsListen as NonNullable<Settings['opsListen']>;
  const listener = await startOperations(address, { parts, metrics, certificateTimes }, runtime).catch(
    async (error: unknown) => {
      await store.close();
      throw error;
    },
  );
  return {
    listening: listener.listening,
    close: async () => {
      await listener.close();
      await store.close();
    },
  };
}
