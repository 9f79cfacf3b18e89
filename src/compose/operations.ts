import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { Logger } from 'pino';
import { type CertificateTimes, certificateParts } from '../admin/certificate-readiness.js';
import {
  createOperationsApp,
  healthFindings,
  type OperationsDependencies,
  type ReadinessPart,
} from '../admin/operations-app.js';
import type { Settings } from '../config/setting-schemas.js';
import { ConnectionTable } from '../http/connection-table.js';
import { applyRetention, type Retention } from '../redemption/accepting/apply-retention.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';

export { createStoreMetrics } from '../admin/store-metrics.js';
export { createWorkerMetrics, WorkerMetrics } from '../admin/worker-metrics.js';

// For probes and a few collectors; above this limit the oldest connection is dropped.
const OPERATIONS_CONNECTIONS = 128;
const OPERATIONS_LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
} as const;

interface SweepContext {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Starts a server at an address; resolves with its actual address, rejects if it cannot listen. */
export async function listen(server: Server, address: Settings['listen']): Promise<AddressInfo> {
  server.listen({ port: address.port, ...(address.host !== '' && { host: address.host }), backlog: 2048 });
  await once(server, 'listening');
  return server.address() as AddressInfo;
}

/** Returns a function that checks the parts of the service, and the certificates that it depends on. */
export function readinessCheck(
  parts: readonly ReadinessPart[],
  certificateTimes: () => CertificateTimes,
  clock: Clock,
): () => ReturnType<typeof healthFindings> {
  const all = [...parts, ...certificateParts(certificateTimes, clock)];
  return () => healthFindings(all);
}

/**
 * A listener for operators: health, readiness (including the certificates, if the process has any) and metrics over plain
 * HTTP.
 */
export async function startOperations(
  address: NonNullable<Settings['opsListen']>,
  deps: OperationsDependencies & { certificateTimes?(): CertificateTimes },
  { clock }: { readonly clock: Clock },
): Promise<{ readonly listening: AddressInfo; close(): Promise<void> }> {
  const { certificateTimes } = deps;
  const certificates = certificateTimes ? certificateParts(certificateTimes, clock) : [];
  const parts = [...deps.parts, ...certificates];
  const server = createServer(OPERATIONS_LIMITS, createOperationsApp({ ...deps, parts }) as RequestListener);
  const connections = new ConnectionTable(OPERATIONS_CONNECTIONS);
  server.on('connection', (socket) => connections.add(socket));
  const listening = await listen(server, address);
  return {
    listening,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Runs each task every `ms` milliseconds, the first time after that interval, and returns a function that stops all. A task must
 * not throw or reject. The timers do not keep the process alive.
 */
export function startPeriodic(tasks: readonly (readonly [ms: number, run: () => unknown])[]): () => void {
  const timers = tasks.map(([ms, run]) => setInterval(run, ms).unref());
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}

/** Returns a function that calls `run` at its first call, and then at its first call after each `ms` milliseconds. */
export function atMostEvery<T>(ms: number, run: () => T): () => T | undefined {
  let lastAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - lastAt < ms) return undefined;
    lastAt = now;
    return run();
  };
}

/** Erases stored responses whose replay window has ended. Never rejects. */
export async function sweepSealedAnswers(store: GrantStore, { clock, logger }: SweepContext): Promise<void> {
  try {
    await store.eraseSealedAnswers(clock());
  } catch (error) {
    logger.warn(
      { event: 'sweep_failed', err: error },
      'sealed answers were not erased; the next run tries again',
    );
  }
}

/** Applies the retention periods: `runOnce` does nothing during an earlier run, `stop` ends a run after its current step. */
export function periodicRetention(
  store: GrantStore,
  retention: Retention,
  { clock, logger }: SweepContext,
): { runOnce(): Promise<void>; stop(): void } {
  let running = false;
  let stopped = false;
  return {
    async runOnce() {
      if (running || stopped) return;
      running = true;
      try {
        await applyRetention(store, retention, clock(), () => stopped);
      } catch (error) {
        const event = 'retention_failed';
        // A store that is being closed accepts no operation.
        if (!stopped)
          logger.warn(
            { event, err: error },
            'the retention periods were not applied; the next run tries again',
          );
      } finally {
        running = false;
      }
    },
    stop() {
      stopped = true;
    },
  };
}
