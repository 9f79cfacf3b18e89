import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { CertificateTimes } from '../admin/certificate-readiness.js';
import { createMetrics, type Metrics } from '../admin/metrics.js';
import type { ReadinessPart } from '../admin/operations-app.js';
import type { Settings } from '../config/setting-schemas.js';
import { version } from '../config/version.js';
import { SERVICE } from '../domain/actor.js';
import type { TlsListener } from '../http/tls-listener.js';
import { CertificateAuthorityError } from '../pki/authority.js';
import { describeCertificate } from '../pki/certificate-info.js';
import type { ServerIdentity } from '../pki/server-identity.js';
import {
  certificateHosts,
  pathPrefixOf,
  publishedAddress,
  type ServiceAddress,
  serviceUrl,
} from '../platforms/standalone/service-address.js';
import { publishCodeKey } from '../redemption/accepting/rotate-code-keys.js';
import {
  publishService,
  readService,
  type ServiceDescription,
} from '../redemption/accepting/service-description.js';
import { attentionOperation } from '../redemption/administration/attention.js';
import type { AdministrationDependencies } from '../redemption/administration/dependencies.js';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { ServingLease } from '../redemption/ports/serving-lease.js';
import type { WebhookStore } from '../redemption/ports/webhook-store.js';
import { measureStore } from '../stores/measured-store.js';
import { ADMIN_CONNECTIONS, startAdmin } from './admin-listener.js';
import { CertificateWatch } from './certificate-watch.js';
import { grantAdoption } from './grant-adoption.js';
import { ConfiguredIdentities } from './identities/configured-identities.js';
import { LISTENER_DRAIN_MS } from './listener/listener-limits.js';
import { assertListening, createPublicListener } from './listener/public-listener.js';
import { networkObserver } from './network-observers.js';
import { openCodeKeys, sweepCodeKeys } from './open-code-keys.js';
import { openServiceStore, openStore } from './open-store.js';
import {
  atMostEvery,
  createStoreMetrics,
  listen,
  periodicRetention,
  readinessCheck,
  startPeriodic,
  sweepSealedAnswers,
} from './operations.js';
import {
  acquireLeases,
  addStoreLease,
  createDataDirectory,
  openIdentities,
  type ServiceIdentities,
} from './service-identities.js';
import { checkWebhookFiles, startWebhooks, undeliveredReader } from './start-webhooks.js';
import { systemOf } from './system-sites.js';

const SWEEP_MS = 10_000;
const RETENTION_MS = 60_000;
const KEY_SWEEP_MS = 3_600_000;
const IDENTITY_CHECK_MS = 10_000;

/** Dependencies of every running service. Tests pass their own clock, checkpoint and logger. */
export interface RuntimeContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
  /** Runs the checks of `doctor` for the admin API. If absent, the API reports only readiness and the network observer. */
  readonly runDoctor?: AdministrationDependencies['runDoctor'];
}

/** A running service. */
export interface RunningService {
  readonly description: ServiceDescription;
  readonly listening: AddressInfo;
  /** Address of the admin API; undefined if it is off. */
  readonly adminListening: AddressInfo | undefined;
  readonly metrics: Metrics;
  readonly storeMetrics: Registry;
  /** Checks that readiness depends on, in addition to the certificates. */
  readonly readiness: readonly ReadinessPart[];
  certificateTimes(): CertificateTimes;
  /** Checks the certificates now instead of at the next interval. */
  reloadIdentity(): Promise<void>;
  /** Stops accepting connections and finishes running requests, in less than 10 s. */
  close(): Promise<void>;
}

/** Creates the data directory, the CAs and the schema, so that several processes can then start at once. */
export async function prepareService(settings: Settings, context: RuntimeContext): Promise<void> {
  checkWebhookFiles(settings);
  await createDataDirectory(settings, context.clock);
  const lease = await acquireLeases(settings, context.clock);
  let store: DatabaseStore | undefined;
  try {
    store = (await openStore(settings, context, true)).actingAs(SERVICE);
    const { identity } = await openIdentities(settings, store, context.clock);
    await identity.read(context.clock());
  } finally {
    await store?.close();
    lease.release();
  }
}

/** Starts the redemption service, and resolves once it accepts requests. */
export async function startService(settings: Settings, context: RuntimeContext): Promise<RunningService> {
  checkWebhookFiles(settings);
  await createDataDirectory(settings, context.clock);
  let lease = await acquireLeases(settings, context.clock);
  let listener: TlsListener | undefined;
  let store: DatabaseStore | undefined;
  try {
    const metrics = createMetrics();
    const opened = await openServiceStore(settings, context, true);
    store = measureStore(opened.store, metrics);
    const identities = await openIdentities(settings, store, context.clock);
    const { address, identity } = identities;
    reportLastAddress(settings, address, context.logger);
    const presented = await identity.read(context.clock());
    const responseEndpoint = { url: serviceUrl(address, settings.listen.port), ca: presented.ca };
    const ca = () => responseEndpoint.ca;
    lease = await addStoreLease(settings, { lease, store, ca, clock: context.clock });
    const shared = { settings, context, ...identities, lease, presented };
    const origin = () => new URL(responseEndpoint.url).origin;
    const identityProviders = await ConfiguredIdentities.open(settings, { ...context, origin, metrics });
    const parts = { ...shared, responseEndpoint, store, metrics, identityProviders };
    listener = createListener(parts);
    return await serveWithDatabase({ ...parts, listener, webhooks: opened.webhooks });
  } catch (error) {
    // Open handles would keep a failed process alive.
    await listener?.drain(0);
    await store?.close();
    lease.release();
    throw error;
  }
}

/** Logs that the address is the one of the last start, if clients may no longer reach this machine there. */
function reportLastAddress(settings: Settings, address: ServiceAddress, logger: Logger): void {
  const { host = [], externalUrl } = address;
  const ownHosts = certificateHosts(settings);
  if (address === settings || host.every((name) => ownHosts.includes(name))) return;
  logger.warn(
    { event: 'address_kept', address: externalUrl?.href ?? host[0] },
    'the service uses the address of its last start, because links renew there; to change it, set --host or --external-url',
  );
}

interface ServiceParts extends ServiceIdentities {
  readonly settings: Settings;
  readonly context: RuntimeContext;
  readonly lease: ServingLease;
  /** The server identity at the start. */
  readonly presented: ServerIdentity;
  /** The URL and the CA in responses; the CA is always that of the listener's certificate. */
  readonly responseEndpoint: { url: string; ca: string };
  readonly store: DatabaseStore;
  readonly metrics: Metrics;
  readonly identityProviders: ConfiguredIdentities | undefined;
}

function createListener(parts: ServiceParts): TlsListener {
  const { settings, address, context, site, presented, responseEndpoint, store, metrics } = parts;
  const platform = {
    store,
    site,
    service: () => responseEndpoint,
    codeKeys: openCodeKeys(settings.dataDir, context.clock),
    identities: parts.identityProviders,
    pathPrefix: pathPrefixOf(address),
  };
  const otherConnections = settings.adminListen ? ADMIN_CONNECTIONS : 0;
  return createPublicListener({
    settings,
    credentials: presented,
    platform,
    context,
    metrics,
    otherConnections,
  });
}

async function serveWithDatabase(
  parts: ServiceParts & { readonly listener: TlsListener; readonly webhooks: WebhookStore },
): Promise<RunningService> {
  const { settings, address, context, issuer, presented, responseEndpoint, metrics, listener } = parts;
  const { clock } = context;
  const store = parts.store.actingAs(SERVICE);
  const endpoints = settings.endpoint ?? [];
  const signing = issuer?.find(clock());
  if (typeof signing === 'string') throw new CertificateAuthorityError(signing);
  const listening = await listen(listener.server, settings.listen);
  responseEndpoint.url = serviceUrl(address, listening.port);
  const description: ServiceDescription = {
    platform: settings.platform,
    ...responseEndpoint,
    address: publishedAddress(address, responseEndpoint.url),
    version: version(),
    certificateNotAfter: presented.notAfter,
    caSha256: describeCertificate(presented.ca).sha256,
    hosts: describeCertificate(presented.cert).hosts,
    endpoints,
    issuer: signing?.description ?? null,
    ...(settings.platform !== 'standalone' && { system: systemOf(settings) }),
  };
  await publishService(store, description);
  const codeKeys = openCodeKeys(settings.dataDir, clock);
  await publishCodeKey(store, codeKeys);
  await sweepCodeKeys(store, codeKeys, context);
  const adoptGrants =
    settings.platform === 'standalone'
      ? undefined
      : grantAdoption(systemOf(settings), { store, site: parts.site, ...context });
  // On a system platform each grant becomes ready when its own site accepts links.
  if (!adoptGrants && endpoints.length > 0) await store.initializeGrants(clock());
  await adoptGrants?.();
  const readiness: readonly ReadinessPart[] = [
    { name: 'store', ready: () => store.probe() },
    { name: 'listener', ready: async () => assertListening(listener) },
  ];
  const certificateTimes = () => watch.times();
  const connections = networkObserver(settings, clock);
  const observed = {
    ...{ store, clock, connections },
    checkReadiness: readinessCheck(readiness, certificateTimes, clock),
    readService: () => readService(store),
  };
  const admin = await startAdmin(settings, {
    store,
    credentials: presented,
    metrics,
    connections,
    ...context,
    checkReadiness: observed.checkReadiness,
  });
  const watch = new CertificateWatch(
    {
      ...parts,
      store,
      listener: {
        setCredentials(credentials) {
          listener.setCredentials(credentials);
          admin?.setCredentials(credentials);
        },
      },
    },
    description,
  );
  const reloadIdentity = async () => {
    admin?.reloadCredentials();
    await watch.runOnce();
  };
  const retention = periodicRetention(
    store,
    { grantMs: settings.grantRetention, ledgerMs: settings.ledgerRetention },
    context,
  );
  const stopPeriodic = startPeriodic([
    [IDENTITY_CHECK_MS, reloadIdentity],
    [IDENTITY_CHECK_MS, () => parts.identityProviders?.refresh()],
    [SWEEP_MS, () => sweepSealedAnswers(store, context)],
    [RETENTION_MS, () => retention.runOnce()],
    [RETENTION_MS, atMostEvery(KEY_SWEEP_MS, () => sweepCodeKeys(store, codeKeys, context))],
    ...(adoptGrants ? [[SWEEP_MS, adoptGrants] as const] : []),
  ]);
  const webhooks = startWebhooks({ ...parts, readAttention: attentionOperation(observed) });
  return {
    description,
    listening,
    adminListening: admin?.listening,
    metrics,
    storeMetrics: createStoreMetrics({ ...observed, undelivered: undeliveredReader(parts) }),
    certificateTimes,
    readiness,
    reloadIdentity,
    async close() {
      stopPeriodic();
      retention.stop();
      await Promise.all([
        listener.drain(LISTENER_DRAIN_MS),
        admin?.close(LISTENER_DRAIN_MS),
        webhooks.stop(),
      ]);
      await store.close();
      parts.lease.release();
    },
  };
}
