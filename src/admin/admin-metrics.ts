import { Counter, Histogram, type Registry } from 'prom-client';

/** A response of the admin API. */
export interface AdminResponse {
  /** HTTP method; `other` if the request was refused before routing, or its route does not support the method. */
  readonly method: string;
  /** Path as in openapi.yaml; `none` if the request was refused before routing or no route matches. */
  readonly route: string;
  readonly status: number;
  /** Code of the refusal, if it is one. */
  readonly refused: string | undefined;
  readonly milliseconds: number;
}

/** Counts the responses of the admin API. */
export interface AdminObserver {
  adminAnswered(response: AdminResponse): void;
  /** Counts a failed authentication beyond the budget of its source. */
  authenticationLimited(): void;
}

// Most requests are one read of the store; issuing a token of a large grant may take longer.
const LATENCY_BUCKETS_S = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Adds the metrics of the admin API to `registry`. */
export function addAdminMetrics(registry: Registry): AdminObserver {
  const registers = [registry];
  const responses = new Counter({
    name: 'linkgrant_admin_responses_total',
    help: 'Answers of the admin API by route (none if refused before routing), method and status.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const refusals = new Counter({
    name: 'linkgrant_admin_refusals_total',
    help: 'Refusals of the admin API by code; unreadable for bytes that are not a supported HTTP/1.1 request.',
    labelNames: ['code'],
    registers,
  });
  const latency = new Histogram({
    name: 'linkgrant_admin_response_duration_seconds',
    help: 'Time from the request headers to the response of the admin API, by route and method.',
    labelNames: ['method', 'route'],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const limited = new Counter({
    name: 'linkgrant_admin_authentications_limited_total',
    help: 'Failed authentications beyond the budget of their source; refused like any other, but not logged.',
    registers,
  });
  return {
    adminAnswered({ method, route, status, refused, milliseconds }) {
      responses.inc({ method, route, status });
      latency.observe({ method, route }, milliseconds / 1000);
      if (refused !== undefined) refusals.inc({ code: refused });
    },
    authenticationLimited: () => limited.inc(),
  };
}
