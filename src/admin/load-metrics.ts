import { Counter, Gauge, type Registry } from 'prom-client';

/** How much a process has to do, and what it turned away so far; numbers by label. */
export interface Load {
  readonly requestsInFlight: number;
  /** Milliseconds by which the event loop is late, turn after turn. */
  readonly loopDelayMs: number;
  /** Milliseconds that connections wait to be taken; 0 unless they come without a pause. */
  readonly connectionWaitMs: number;
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
  gauge('linkgrant_requests_in_flight', 'Requests being answered.', (now) => now.requestsInFlight);
  gauge(
    'linkgrant_event_loop_delay_seconds',
    'Time by which the event loop is late, turn after turn; load is shed by it.',
    (now) => now.loopDelayMs / 1000,
  );
  gauge(
    'linkgrant_connection_wait_seconds',
    'How long connections wait to be taken, 0 unless they come without a pause; load is shed by it.',
    (now) => now.connectionWaitMs / 1000,
  );
  new Counter({
    name: 'linkgrant_shed_total',
    help: 'Requests put off with overloaded: before a certificate was issued, or before anything.',
    labelNames: ['stage'],
    registers,
    collect() {
      this.reset();
      for (const [stage, count] of Object.entries(load().shed)) this.inc({ stage }, count);
    },
  });
}
