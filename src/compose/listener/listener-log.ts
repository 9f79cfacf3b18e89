import type { Logger } from 'pino';
import type { Metrics } from '../../admin/metrics.js';
import type { ProxyHeaderRefusal } from '../../http/proxy-header-reader.js';
import type { UnreadableResponse } from '../../http/tls-listener.js';
import type { UnprovenRequests } from '../../http/unproven-requests.js';

/** Logs and counts what happens on the public listener besides the outcomes of its requests. */
export function listenerLog(metrics: Metrics, unprovenRequests: UnprovenRequests, logger: Logger) {
  return {
    proxyHeaderRefused({ peer, reason }: ProxyHeaderRefusal) {
      if (!unprovenRequests.count(peer)) return;
      logger.warn(
        { event: 'proxy_header_refused', peer, reason },
        'a connection of a trusted proxy was closed: it does not begin with a valid PROXY header; have the proxy send one (HAProxy: send-proxy-v2), or start the service without --proxy-protocol',
      );
    },
    unreadable(response: UnreadableResponse) {
      metrics.answered('other', 'unreadable', 0);
      if (!unprovenRequests.count(response.peer)) return;
      logger.debug({ event: 'unreadable', ...response }, 'no valid HTTP request arrived in time');
    },
    ledgerFailed(error: unknown, requestId: string) {
      metrics.ledgerFailed();
      logger.warn(
        { event: 'ledger_failed', requestId, err: error },
        'an attempt was not recorded in the ledger',
      );
    },
  };
}
