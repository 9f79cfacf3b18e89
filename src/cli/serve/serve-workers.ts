import type { ReadinessPart } from '../../admin/operations-app.js';
import { networkObserver } from '../../compose/network-observers.js';
import { openServiceStore } from '../../compose/open-store.js';
import {
  createStoreMetrics,
  createWorkerMetrics,
  readinessCheck,
  startOperations,
  WorkerMetrics,
} from '../../compose/operations.js';
import { prepareService, type RuntimeContext } from '../../compose/runtime.js';
import { undeliveredReader } from '../../compose/start-webhooks.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { readService } from '../../redemption/accepting/service-description.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';
import { type ServiceStart, writeBanner } from './serve-banner.js';
import { serviceManager } from './service-manager.js';
import { WorkerGroup } from './worker-group.js';

/** Runs the service in as many processes as the setting `workers` says; this process serves the health and the metrics of all of them. */
export async function runWorkers(start: ServiceStart, runtime: RuntimeContext): Promise<void> {
  const { settings } = start;
  const stop = shutdownSignal();
  await prepareService(settings, runtime);
  const group = new WorkerGroup(settings.workers, new WorkerMetrics(), runtime.logger);
  const manager = serviceManager(commandContext().env, runtime.logger, () => group.haveReported());
  let operations: Awaited<ReturnType<typeof startGroupOperations>> | undefined;
  try {
    const { description, port, adminPort } = await group.start();
    const ready = () => manager.ready(`Serving ${description.url} with ${settings.workers} workers`);
    process.on('SIGHUP', () => {
      manager.reloading();
      void group.reload().then(ready);
    });
    operations =
      settings.opsListen && (await startGroupOperations(settings.opsListen, settings, runtime, group));
    const ports = { service: port, operations: operations?.listening.port, admin: adminPort };
    await writeBanner(description, ports, start);
    ready();
    await stop;
  } finally {
    const notified = manager.stopping();
    // The operations listener closes last: until then it reports each worker that has ended as missing.
    await group.stop();
    await operations?.close();
    await notified;
  }
}

async function startGroupOperations(
  address: NonNullable<Settings['opsListen']>,
  settings: Settings,
  runtime: RuntimeContext,
  group: WorkerGroup,
) {
  // Without migration: `prepareService` has migrated the store.
  const { store, webhooks } = await openServiceStore(settings, runtime, false);
  const parts: ReadinessPart[] = [
    { name: 'workers', ready: () => group.assertServing() },
    { name: 'store', ready: () => store.probe() },
  ];
  const certificateTimes = () => group.certificateTimes();
  const registries = [
    createWorkerMetrics(() => ({ wanted: settings.workers, serving: group.serving, ended: group.ended })),
    createStoreMetrics({
      ...{ store, clock: runtime.clock },
      connections: networkObserver(settings, runtime.clock),
      checkReadiness: readinessCheck(parts, certificateTimes, runtime.clock),
      readService: () => readService(store),
      undelivered: undeliveredReader({ settings, context: runtime, store, webhooks }),
    }),
  ];
  const metrics = async () =>
    (await Promise.all([group.metrics(), ...registries.map((registry) => registry.metrics())])).join('');
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
