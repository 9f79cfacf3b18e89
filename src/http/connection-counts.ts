import type { ConnectionCounts } from '../admin/listener-metrics.js';
import type { ConnectionTable } from './connection-table.js';
import type { TlsListener } from './tls-listener.js';

/** What became of the connections of a listener so far, for metrics. */
export function connectionCounts(
  connections: ConnectionTable,
  listener: Pick<TlsListener, 'counts'>,
): ConnectionCounts {
  const { unproven, proven, opened, dropped } = connections.counts;
  const { refused, failedHandshakes } = listener.counts;
  return {
    limit: connections.limit,
    open: { unproven, proven },
    opened,
    dropped: { ...dropped, overload: refused },
    failedHandshakes,
  };
}
