import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { addLoadMetrics } from '../admin/listener-metrics.js';
import type { Metrics } from '../admin/metrics.js';
import type { Settings } from '../config/setting-schemas.js';
import { descriptorLimit } from '../files/descriptor-limit.js';
import { AcceptQueueMonitor } from '../http/accept-queue.js';
import { Admission } from '../http/admission.js';
import { ConnectionTable } from '../http/connection-table.js';
import type { ProxyHeaderRefusal } from '../http/proxy-header-reader.js';
import { createRedemptionApp, type RedemptionAppDependencies } from '../http/redemption-app.js';
import { createTlsListener, type TlsCredentials, type TlsListener } from '../http/tls-listener.js';
import { UnprovenRequests } from '../http/unproven-requests.js';
import { WrongCodeCounter } from '../http/wrong-code-counter.js';
import { issueClientCertificate } from '../pki/certificates.js';
import { Networks } from '../redemption/accepting/cidr.js';
import type { Site } from '../redemption/ports/site.js';
import { inSpan } from '../tracing/span.js';
import { KeyGenerator } from './key-generator.js';

// An RSA key takes up to 250 ms of CPU, and clients time out after 10 s.
const MAX_QUEUED_KEYS = 64;
/** How long a stopping service waits for its open connections. The whole stop, with its store, takes less than 10 s. */
export const DRAIN_MS = 4_500;
// The specification of the PROXY protocol recommends at least 3 s, for a TCP retransmission.
const PROXY_HEADER_TIMEOUT_MS = 5_000;
// Clients time out after 10 s, and a body has at most 4 KiB.
const BODY_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
// File descriptors that a process needs besides its connections: for the store, the log and Node itself.
const OTHER_DESCRIPTORS = 256;
// A full garbage collection occupies both cores of a small machine for 30 ms. Under load V8 runs one every two seconds by
// default, which determined the 99th percentile (ADR 20). With a limit of four times the used memory it runs one in about
// ten seconds.
const HEAP_GROWTH = '--heap-growing-percent=300';

type CreatedHere =
  | 'issueCertificate'
  | 'keys'
  | 'stockReplay'
  | 'allowRedeemByKey'
  | 'bodyTimeoutMs'
  | 'trustedProxies'
  | 'connections'
  | 'admission'
  | 'unprovenRequests'
  | 'wrongCodes'
  | 'onLedgerFailure'
  | 'observer';

/** Parts of the public listener. */
export interface PublicListenerParts {
  readonly settings: Settings;
  readonly credentials: TlsCredentials;
  readonly app: Omit<RedemptionAppDependencies, CreatedHere>;
  readonly metrics: Metrics;
  /** Connections that other listeners of the process may have. */
  readonly otherConnections?: number;
}

/** Creates the listener for clients, with its connection limits and overload protection. */
export function createPublicListener({
  settings,
  credentials,
  app,
  metrics,
  otherConnections = 0,
}: PublicListenerParts): TlsListener {
  const { logger } = app;
  setFlagsFromString(HEAP_GROWTH);
  const trustedProxies = new Networks(settings.trustedProxy ?? []);
  const limit = connectionLimit(settings.maxConnections, OTHER_DESCRIPTORS + otherConnections, logger);
  const isProxy = (address: string) => trustedProxies.has(address);
  const connections = new ConnectionTable(limit, isProxy);
  const queue = new AcceptQueueMonitor();
  const admission = new Admission(queue, logger);
  const unprovenRequests = new UnprovenRequests(metrics, logger);
  const handler = createRedemptionApp({
    ...app,
    ...withSpans(app.site, settings),
    stockReplay: { windowMs: settings.stockReplayWindow, bindSource: settings.stockReplaySource === 'on' },
    allowRedeemByKey: settings.allowRedeemByKey,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    // A proxy that uses the PROXY protocol passes TLS through, so only clients could send X-Forwarded-For.
    trustedProxies: settings.proxyProtocol ? new Networks([]) : trustedProxies,
    connections,
    admission,
    unprovenRequests,
    wrongCodes: new WrongCodeCounter(app.store, app.clock),
    observer: metrics,
    onLedgerFailure(error, requestId) {
      metrics.ledgerFailed();
      logger.warn(
        { event: 'ledger_failed', requestId, err: error },
        'an attempt was not recorded in the ledger',
      );
    },
  });
  const logRefusedProxy = ({ peer, reason }: ProxyHeaderRefusal) => {
    if (!unprovenRequests.count(peer)) return;
    logger.warn(
      { event: 'proxy_header_refused', peer, reason },
      'a connection of a trusted proxy was closed: it does not begin with a valid PROXY header; have the proxy send one (HAProxy: send-proxy-v2), or start the service without --proxy-protocol',
    );
  };
  const listener = createTlsListener(
    credentials,
    {
      minVersion: `TLSv${settings.tlsMinVersion}`,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      connections,
      queue,
      ...(settings.proxyProtocol && {
        proxyHeaders: { isProxy, timeoutMs: PROXY_HEADER_TIMEOUT_MS, onRefused: logRefusedProxy },
      }),
      onUnreadable(answer) {
        metrics.answered('other', 'unreadable', 0);
        if (!unprovenRequests.count(answer.peer)) return;
        logger.debug({ event: 'unreadable', ...answer }, 'no valid HTTP request arrived in time');
      },
    },
    handler,
  );
  metrics.followConnections('service', listener.connectionCounts);
  addLoadMetrics(metrics.registry, () => ({
    requestsInFlight: admission.inFlight,
    connectionWaitMs: queue.waitMs,
  }));
  return listener;
}

/** Returns the dependencies of a redemption except its store; each of their operations runs in a span. */
function withSpans(site: Site, { serverKeyType }: Settings) {
  const generator = new KeyGenerator({ maxQueued: MAX_QUEUED_KEYS });
  return {
    site: {
      resolveAccess: (grant) => inSpan({ name: 'resolve access' }, () => site.resolveAccess(grant)),
    },
    keys: {
      type: serverKeyType,
      generate: () => inSpan({ name: 'generate key' }, () => generator.generate(serverKeyType)),
    },
    issueCertificate: (content) =>
      inSpan({ name: 'sign certificate' }, () => issueClientCertificate(content)),
  } satisfies Pick<RedemptionAppDependencies, 'site' | 'keys' | 'issueCertificate'>;
}

/** The connection limit: the setting, or less if the process may open fewer files. */
function connectionLimit(wanted: number, otherDescriptors: number, logger: Logger): number {
  const descriptors = descriptorLimit();
  if (descriptors === undefined || wanted + otherDescriptors <= descriptors) return wanted;
  const limit = Math.max(1, descriptors - otherDescriptors);
  logger.warn(
    { event: 'connections_limited', limit, wanted, descriptors },
    `this process may open ${descriptors} files, so it accepts at most ${limit} connections; raise the limit of open files (ulimit -n, LimitNOFILE=), or lower --max-connections`,
  );
  return limit;
}

/** Readiness check of a listener: throws once it accepts no new connections. */
export function assertListening({ server }: TlsListener): void {
  if (!server.listening) throw new Error('no new connection is accepted: the service is stopping');
}
