import { Counter, Gauge, type Registry } from 'prom-client';

/** How much a process has to do, and what it turned away so far; numbers by label. */
export interface Load {
  readonly requestsInFlight: number;
  /** Milliseconds by which the event loop is late, turn after turn. */
  readonly loopDelayMs: number;
  readonly connectionLimit: number;
  readonly connections: Readonly<Record<'unproven' | 'proven', number>>;
  readonly connectionsOpened: number;
  readonly connectionsDropped: Readonly<Record<'source_limit' | 'total_limit' | 'overload', number>>;
  readonly handshakesFailed: number;
  readonly shed: Readonly<Record<'issue' | 'request', number>>;
}

/** Adds the metrics of a process's load to `registry`; `load` is asked each time they are told. */
export function addLoadMetrics(registry: Registry, load: () => Load): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (now: Load) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(load()));
      },
    });
  const counter = (name: string, help: string, value: (now: Load) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(load()));
      },
    });
  const countersBy = (
    name: string,
    label: string,
    help: string,
    values: (now: Load) => Readonly<Record<string, number>>,
  ) =>
    new Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [key, value] of Object.entries(values(load()))) this.inc({ [label]: key }, value);
      },
    });
  gauge('linkgrant_requests_in_flight', 'Requests being answered.', (now) => now.requestsInFlight);
  gauge(
    'linkgrant_event_loop_delay_seconds',
    'Time by which the event loop is late, turn after turn; load is shed by it.',
    (now) => now.loopDelayMs / 1000,
  );
  gauge('linkgrant_connections_limit', 'Open connections at most.', (now) => now.connectionLimit);
  new Gauge({
    name: 'linkgrant_connections',
    help: 'Open connections: those that proved a code, and the others.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(load().connections)) this.set({ state }, count);
    },
  });
  counter('linkgrant_connections_opened_total', 'Connections taken.', (now) => now.connectionsOpened);
  countersBy(
    'linkgrant_connections_dropped_total',
    'reason',
    'Connections dropped: the oldest of a source or of the process over their limits, and those that came while there was too much to do.',
    (now) => now.connectionsDropped,
  );
  counter(
    'linkgrant_handshakes_failed_total',
    'TLS handshakes that failed, or came to no end in time.',
    (now) => now.handshakesFailed,
  );
  countersBy(
    'linkgrant_shed_total',
    'stage',
    'Requests put off with overloaded: before a certificate was issued, or before anything.',
    (now) => now.shed,
  );
}
