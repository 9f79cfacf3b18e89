import { randomUUID } from 'node:crypto';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { Registry } from 'prom-client';
import { REQUEST_ID_HEADER } from '../domain/names.js';
import type { HealthFinding } from '../redemption/administration/reports/health-report.js';

/** One part that readiness depends on; `ready` resolves, or rejects with the reason as its message. */
export interface ReadinessPart {
  readonly name: string;
  ready(): Promise<void>;
}

/** Dependencies of the operations app. */
export interface OperationsDependencies {
  readonly parts: readonly ReadinessPart[];
  /** Metrics in Prometheus' text form. */
  metrics(): Promise<string>;
}

async function readinessOf(
  part: ReadinessPart,
): Promise<{ readonly ready: boolean; readonly reason?: string }> {
  try {
    await part.ready();
    return { ready: true };
  } catch (error) {
    return { ready: false, reason: (error as Error).message };
  }
}

/** The results of readiness checks, for an overview. */
export async function healthFindings(parts: readonly ReadinessPart[]): Promise<readonly HealthFinding[]> {
  return Promise.all(
    parts.map(async (part): Promise<HealthFinding> => {
      const { ready, reason = '' } = await readinessOf(part);
      return ready
        ? { check: part.name, status: 'ok', message: 'ready' }
        : { check: part.name, status: 'error', message: reason, remedy: 'run `linkgrant doctor`' };
    }),
  );
}

/**
 * Creates the app of `/healthz` (the process answers), `/readyz` (each part with its reason; 503 while one is not ready) and
 * `/metrics`.
 */
export function createOperationsApp(deps: OperationsDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  // Browsers ignore HSTS over plain HTTP (RFC 6797 §7.2).
  app.use(helmet({ strictTransportSecurity: false }));
  app.use((_request, response, next) => {
    response.setHeader(REQUEST_ID_HEADER, randomUUID());
    next();
  });
  app.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', async (_request, response) => {
    const states = await Promise.all(
      deps.parts.map(async (part) => [part.name, await readinessOf(part)] as const),
    );
    const ready = states.every(([, state]) => state.ready);
    response.status(ready ? 200 : 503).json({ ready, parts: Object.fromEntries(states) });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await deps.metrics());
  });
  return app;
}
