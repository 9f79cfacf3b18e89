import { Counter, Gauge, type Registry } from 'prom-client';
import type { ConnectionCounts } from '../domain/listener-counts.js';

/** The listeners that are exposed to untrusted clients. */
export type ListenerName = 'service' | 'admin';

/** Adds a listener to the connection metrics; each scrape calls `counts`. */
export type FollowConnections = (listener: ListenerName, counts: () => ConnectionCounts) => void;

/** Adds the connection metrics to `registry`; the returned function adds a listener to them. */
export function addConnectionMetrics(registry: Registry): FollowConnections {
  const countsByListener = new Map<ListenerName, () => ConnectionCounts>();
  const registers = [registry];
  const eachListener = (report: (listener: ListenerName, counts: ConnectionCounts) => void) => {
    for (const [listener, counts] of countsByListener) report(listener, counts());
  };
  new Gauge({
    name: 'linkgrant_connections_limit',
    help: 'Maximum number of open connections of a listener.',
    labelNames: ['listener'],
    registers,
    collect() {
      eachListener((listener, { limit }) => this.set({ listener }, limit));
    },
  });
  new Gauge({
    name: 'linkgrant_connections',
    help: 'Open connections, by whether a valid code or bearer token was received on them.',
    labelNames: ['listener', 'state'],
    registers,
    collect() {
      eachListener((listener, { open }) => {
        for (const [state, count] of Object.entries(open)) this.set({ listener, state }, count);
      });
    },
  });
  new Counter({
    name: 'linkgrant_connections_opened_total',
    help: 'Accepted connections.',
    labelNames: ['listener'],
    registers,
    collect() {
      this.reset();
      eachListener((listener, { opened }) => this.inc({ listener }, opened));
    },
  });
  new Counter({
    name: 'linkgrant_connections_dropped_total',
    help: 'Dropped connections: the oldest unproven one over the limit of a source (source_limit) or of the listener (total_limit).',
    labelNames: ['listener', 'reason'],
    registers,
    collect() {
      this.reset();
      eachListener((listener, { dropped }) => {
        for (const [reason, count] of Object.entries(dropped)) this.inc({ listener, reason }, count);
      });
    },
  });
  new Counter({
    name: 'linkgrant_handshakes_failed_total',
    help: 'TLS handshakes that failed or timed out, and connections closed because of their PROXY header.',
    labelNames: ['listener'],
    registers,
    collect() {
      this.reset();
      eachListener((listener, { failedHandshakes }) => this.inc({ listener }, failedHandshakes));
    },
  });
  return (listener, counts) => countsByListener.set(listener, counts);
}

/** The load of a process. */
export interface Load {
  readonly requestsInFlight: number;
  /** Milliseconds that new connections wait to be accepted; measured only while they arrive continuously, else 0. */
  readonly connectionWaitMs: number;
}

/** Adds the load metrics of a process to `registry`; each scrape calls `load`. */
export function addLoadMetrics(registry: Registry, load: () => Load): void {
  const registers = [registry];
  new Gauge({
    name: 'linkgrant_requests_in_flight',
    help: 'Requests in progress.',
    registers,
    collect() {
      this.set(load().requestsInFlight);
    },
  });
  new Gauge({
    name: 'linkgrant_connection_wait_seconds',
    help: 'Time that new connections wait to be accepted; 0 unless they arrive continuously. Above a limit the service refuses requests.',
    // Workers share the kernel's queue, so their waits must not be added.
    aggregator: 'max',
    registers,
    collect() {
      this.set(load().connectionWaitMs / 1000);
    },
  });
}
