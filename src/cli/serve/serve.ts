import cluster from 'node:cluster';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { startOperations } from '../../compose/operations.js';
import { type RuntimeContext, startService } from '../../compose/runtime.js';
import { commandContext } from '../../config/command-context.js';
import type { Flags } from '../../config/config.js';
import { createLogger } from '../../config/logger.js';
import type { Settings } from '../../config/setting-schemas.js';
import { version } from '../../config/version.js';
import { startTracing, type TracingReport } from '../../tracing/start-tracing.js';
import { configurationFrom, refuseEndpoint } from '../session/configuration.js';
import { usageError } from '../terminal/command-error.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';
import { listenFailure } from './listen-failure.js';
import { hasCas, type ServiceStart, writeBanner } from './serve-banner.js';
import { runWorker } from './serve-worker.js';
import { runWorkers } from './serve-workers.js';
import { serviceManager } from './service-manager.js';
import { refuseUnusedFlags } from './unused-flags.js';

// A full garbage collection delays every request in progress (ADR 20). Node 24 runs one after about 800 redemptions by default,
// and after about 5,000 if the heap may grow to four times the used memory.
const HEAP_GROWTH = '--heap-growing-percent=300';

/** Runs the service until SIGTERM or SIGINT; resolves when everything is closed. */
export async function serveCommand(flags: Flags): Promise<void> {
  const configuration = configurationFrom(flags);
  const { settings } = configuration;
  refuseEndpoint(settings.platform, settings.endpoint);
  refuseForCluster(settings);
  const redeems = redeemsTokens(settings);
  refuseUnusedFlags(configuration, redeems);
  if (!redeems) setFlagsFromString(HEAP_GROWTH);
  const { clock, checkpoint, env } = commandContext();
  const start = { settings, flags, hadCas: hasCas(settings.dataDir) };
  const runtime: RuntimeContext = {
    clock,
    checkpoint,
    logger: createLogger(settings.logLevel),
    runDoctor: async () => (await import('../doctor/doctor.js')).runDoctor(settings, flags, true),
  };
  const stopTracing = await startTracing({
    env,
    version: version(),
    report: tracingLog(runtime.logger),
  });
  try {
    if (redeems) await (await import('./serve-redeemer.js')).runRedeemer(settings, runtime);
    else if (cluster.isWorker) await runWorker(settings, runtime);
    else if (settings.workers > 1) await runWorkers(start, runtime);
    else await runAlone(start, runtime);
  } catch (error) {
    throw listenFailure(error, settings);
  } finally {
    await stopTracing();
  }
}

function tracingLog(logger: Logger): TracingReport {
  return {
    off: (reason) => logger.warn({ event: 'traces_off', reason }, 'no traces are recorded'),
    failing(reason) {
      if (reason === undefined) logger.info({ event: 'traces_exported' }, 'traces are exported again');
      else
        logger.warn({ event: 'traces_not_exported', reason }, 'traces are not exported and will be dropped');
    },
  };
}

function refuseForCluster({ platform, workers, ...settings }: Settings): void {
  if (platform !== 'kubernetes') return;
  const refuse = (what: string, hint: string): never => {
    throw usageError(`${what} cannot be combined with --platform kubernetes`, hint);
  };
  if (workers > 1) refuse('--workers', 'run more replicas instead: each of them redeems');
  if (settings.store !== undefined) refuse('--store', 'grants and redemptions are resources of the cluster');
  if (settings.adminListen !== undefined)
    refuse('--admin-listen', 'the API of the cluster manages its grants');
  if (settings.observer !== undefined) refuse('--observer', "Skupper's Sites show which sites are connected");
  if (settings.webhook !== undefined)
    refuse('--webhook', 'watch the Redemptions: the ledger of a cluster has no order to deliver events in');
  if (settings.tlsCert !== undefined) refuse('--tls-cert', 'set --tls-secret to a Secret');
  if (settings.issuerCert !== undefined) {
    refuse('--issuer-cert', 'each site has its own issuer; spec.issuer of an AccessGrant names another');
  }
}

/** Returns whether this process redeems AccessTokens. Throws a CommandError for an invalid combination of controllers. */
function redeemsTokens({ platform, controllers, noRedemption }: Settings): boolean {
  const redeems = controllers.includes('accesstoken');
  if (!redeems && !noRedemption && controllers.length > 0) return false;
  if (platform !== 'kubernetes') {
    throw usageError(
      '--controllers and --no-redemption are for --platform kubernetes',
      'elsewhere `linkgrant token redeem` and `linkgrant bootstrap` redeem tokens',
    );
  }
  if (!redeems)
    throw usageError('there is nothing to serve', 'omit --no-redemption, or add --controllers accesstoken');
  if (!noRedemption || controllers.length > 1) {
    throw usageError(
      'one process cannot both serve grants and redeem AccessTokens',
      'run another process with --controllers accesstoken and --no-redemption',
    );
  }
  return true;
}

async function runAlone(start: ServiceStart, runtime: RuntimeContext): Promise<void> {
  const { settings } = start;
  const stop = shutdownSignal();
  // A single process is alive if its timers run.
  const manager = serviceManager(commandContext().env, runtime.logger, () => true);
  const service =
    settings.platform === 'kubernetes'
      ? await (await import('../../compose/kubernetes/kubernetes-service.js')).startKubernetesService(
          settings,
          runtime,
        )
      : await startService(settings, runtime);
  const { url, noAddress } = service.description;
  const ready = () => manager.ready(noAddress === undefined ? `Serving ${url}` : 'Serving; no address yet');
  let operations: Awaited<ReturnType<typeof startOperations>> | undefined;
  try {
    process.on('SIGHUP', () => {
      manager.reloading();
      void service.reloadIdentity().finally(ready);
    });
    const registries = [service.metrics.registry, service.storeMetrics];
    operations =
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
    const ports = {
      service: service.listening.port,
      operations: operations?.listening.port,
      admin: service.adminListening?.port,
    };
    await writeBanner(service.description, ports, start);
    ready();
    await stop;
  } finally {
    const notified = manager.stopping();
    // Until all requests are answered, readiness reports that the service is stopping.
    await service.close();
    await operations?.close();
    await notified;
  }
}
