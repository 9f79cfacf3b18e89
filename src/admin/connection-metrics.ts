import { Counter, Gauge, type Registry } from 'prom-client';

/** The listeners that strangers may reach. */
export type ListenerName = 'service' | 'admin';

/** What became of the connections of a listener so far; numbers by label. */
export interface ConnectionCounts {
  readonly limit: number;
  readonly open: Readonly<Record<'unproven' | 'proven', number>>;
  readonly opened: number;
  readonly dropped: Readonly<Record<'source_limit' | 'total_limit' | 'overload', number>>;
  readonly failedHandshakes: number;
}

/** Has the connections of a listener told from now on; `counts` is asked each time they are. */
export type FollowConnections = (listener: ListenerName, counts: () => ConnectionCounts) => void;

/** Adds the metrics of connections to `registry`; a listener that nobody follows has none. */
export function addConnectionMetrics(registry: Registry): FollowConnections {
  const followed = new Map<ListenerName, () => ConnectionCounts>();
  const registers = [registry];
  const eachListener = (tell: (listener: ListenerName, counts: ConnectionCounts) => void) => {
    for (const [listener, counts] of followed) tell(listener, counts());
  };
  new Gauge({
    name: 'linkgrant_connections_limit',
    help: 'Open connections of a listener at most.',
    labelNames: ['listener'],
    registers,
    collect() {
      eachListener((listener, { limit }) => this.set({ listener }, limit));
    },
  });
  new Gauge({
    name: 'linkgrant_connections',
    help: 'Open connections: those that proved a code or a bearer token, and the others.',
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
    help: 'Connections taken.',
    labelNames: ['listener'],
    registers,
    collect() {
      this.reset();
      eachListener((listener, { opened }) => this.inc({ listener }, opened));
    },
  });
  new Counter({
    name: 'linkgrant_connections_dropped_total',
    help: 'Connections dropped: the oldest of a source or of a listener over their limits, and those that came while there was too much to do.',
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
    help: 'TLS handshakes that failed, or came to no end in time.',
    labelNames: ['listener'],
    registers,
    collect() {
      this.reset();
      eachListener((listener, { failedHandshakes }) => this.inc({ listener }, failedHandshakes));
    },
  });
  return (listener, counts) => followed.set(listener, counts);
}
