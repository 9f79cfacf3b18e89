import { addLoadMetrics } from '../../admin/listener-metrics.js';
import type { Metrics } from '../../admin/metrics.js';
import type { Settings } from '../../config/setting-schemas.js';
import { AcceptQueueMonitor } from '../../http/accept-queue.js';
import { Admission } from '../../http/admission.js';
import { ConnectionTable } from '../../http/connection-table.js';
import { createRedemptionApp } from '../../http/redemption-app.js';
import type { RedemptionAppDependencies } from '../../http/redemption-dependencies.js';
import { createTlsListener, type TlsCredentials, type TlsListener } from '../../http/tls-listener.js';
import { UnprovenRequests } from '../../http/unproven-requests.js';
import { WrongCodeCounter } from '../../http/wrong-code-counter.js';
import { issueClientCertificate } from '../../pki/certificates.js';
import { Networks } from '../../redemption/accepting/cidr.js';
import { KeyGenerator } from './key-generator.js';
import { connectionLimit, LISTENER_LIMITS } from './listener-limits.js';
import { listenerLog } from './listener-log.js';
import { withSpans } from './redemption-spans.js';

/** What a platform provides for redemptions. */
type PlatformParts = Pick<
  RedemptionAppDependencies,
  | 'store'
  | 'site'
  | 'service'
  | 'codeKeys'
  | 'identities'
  | 'pathPrefix'
  | 'prepareLookup'
  | 'responseTimeoutMs'
>;

/** Parts of the public listener. */
export interface PublicListenerParts {
  readonly settings: Settings;
  readonly credentials: TlsCredentials;
  readonly platform: PlatformParts;
  readonly context: Pick<RedemptionAppDependencies, 'clock' | 'checkpoint' | 'logger'>;
  readonly metrics: Metrics;
  /** Connections that other listeners of the process may have. */
  readonly otherConnections?: number;
}

/** Creates the listener for clients, with its connection limits and overload protection. */
export function createPublicListener({
  settings,
  credentials,
  platform,
  context,
  metrics,
  otherConnections = 0,
}: PublicListenerParts): TlsListener {
  const { clock, checkpoint, logger } = context;
  const { queuedKeys, bodyTimeoutMs, requestTimeoutMs, proxyHeaderTimeoutMs } = LISTENER_LIMITS;
  const trustedProxies = new Networks(settings.trustedProxy ?? []);
  const isProxy = (address: string) => trustedProxies.has(address);
  const limit = connectionLimit(settings.maxConnections, otherConnections, logger);
  const connections = new ConnectionTable(limit, isProxy);
  const queue = new AcceptQueueMonitor();
  const admission = new Admission(queue, logger);
  const unprovenRequests = new UnprovenRequests(metrics, logger);
  const log = listenerLog(metrics, unprovenRequests, logger);
  const deps = withSpans({
    ...platform,
    clock,
    checkpoint,
    logger,
    keys: new KeyGenerator(settings.serverKeyType, queuedKeys),
    issueCertificate: issueClientCertificate,
    stockReplay: { windowMs: settings.stockReplayWindow, bindSource: settings.stockReplaySource === 'on' },
    allowRedeemByKey: settings.allowRedeemByKey,
    bodyTimeoutMs,
    // A proxy that uses the PROXY protocol passes TLS through, so only clients could send X-Forwarded-For.
    trustedProxies: settings.proxyProtocol ? new Networks([]) : trustedProxies,
    connections,
    admission,
    unprovenRequests,
    wrongCodes: new WrongCodeCounter(platform.store, clock),
    observer: metrics,
    onLedgerFailure: log.ledgerFailed,
  });
  const options = {
    minVersion: `TLSv${settings.tlsMinVersion}`,
    requestTimeoutMs,
    connections,
    queue,
    ...(settings.proxyProtocol && {
      proxyHeaders: { isProxy, timeoutMs: proxyHeaderTimeoutMs, onRefused: log.proxyHeaderRefused },
    }),
    onUnreadable: log.unreadable,
  } as const;
  const listener = createTlsListener(credentials, options, createRedemptionApp(deps));
  metrics.followConnections('service', listener.connectionCounts);
  addLoadMetrics(metrics.registry, () => ({
    requestsInFlight: admission.inFlight,
    connectionWaitMs: queue.waitMs,
  }));
  return listener;
}

/** Readiness check of a listener: throws once it accepts no new connections. */
export function assertListening({ server }: TlsListener): void {
  if (!server.listening) throw new Error('no new connection is accepted: the service is stopping');
}
