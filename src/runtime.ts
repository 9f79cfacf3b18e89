import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createMetrics, type Metrics } from './admin/metrics.js';
import { createOperationsApp, type ReadinessPart } from './admin/operations-app.js';
import { makePrivateDirectory } from './files/private-file.js';
import { createRedemptionApp } from './http/redemption-app.js';
import { createTlsListener, type TlsListener } from './http/tls-listener.js';
import { openStore } from './open-store.js';
import type { CertificateAuthority } from './pki/authority.js';
import { describeCertificate } from './pki/certificate-info.js';
import { KeyMaker } from './pki/keys.js';
import {
  OwnedAuthorities,
  readAuthority,
  SERVER_CA,
  SITE_CA,
} from './platforms/standalone/owned-authorities.js';
import {
  givenIdentity,
  issueIdentity,
  ownIdentity,
  type ServerIdentitySource,
} from './platforms/standalone/server-identity.js';
import { certificateHosts, serviceUrl } from './platforms/standalone/service-address.js';
import { StandaloneSite } from './platforms/standalone/site.js';
import type { Checkpoint, Clock } from './redemption/clock.js';
import type { GrantStore } from './redemption/grant-store.js';
import { publishService, type ServiceDescription } from './redemption/service-description.js';
import type { Settings } from './setting-schemas.js';

const BODY_TIMEOUT_MS = 15_000;
const DRAIN_MS = 8_000;
const SWEEP_MS = 10_000;
const IDENTITY_CHECK_MS = 10_000;
// One RSA key is up to 250 ms of a core; a client gives up after 10 s.
const MOST_QUEUED_KEYS = 64;

/** What every composition is given from outside: in `main` the system's, in a crash test the test's. */
export interface RuntimeContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
}

/** A service that answers. */
export interface RunningService {
  readonly description: ServiceDescription;
  readonly listening: AddressInfo;
  readonly metrics: Metrics;
  readonly readiness: readonly ReadinessPart[];
  /** Looks for other credentials now instead of at the next turn. */
  reloadIdentity(): Promise<void>;
  /** Stops accepting, finishes what is running, in under 10 s. */
  close(): Promise<void>;
}

/** The CA that signs links: a given one, else the site CA of the data directory, made on first use. */
async function openIssuer(settings: Settings, now: number): Promise<CertificateAuthority> {
  const { dataDir, issuerCert, issuerKey } = settings;
  return issuerCert !== undefined && issuerKey !== undefined
    ? readAuthority(issuerCert, issuerKey, now)
    : new OwnedAuthorities(dataDir).ensure(SITE_CA, 'linkgrant site CA', now);
}

/** The service's own certificates: the CA that signs links, and what the listener shows. */
async function openIdentities(settings: Settings, now: number) {
  makePrivateDirectory(settings.dataDir);
  const authorities = new OwnedAuthorities(settings.dataDir);
  const issuer = await openIssuer(settings, now);
  const { tlsCert, tlsKey, tlsCa } = settings;
  const identity: ServerIdentitySource =
    tlsCert !== undefined && tlsKey !== undefined && tlsCa !== undefined
      ? givenIdentity({ cert: tlsCert, key: tlsKey, ca: tlsCa })
      : ownIdentity(
          settings.dataDir,
          await authorities.ensure(SERVER_CA, 'linkgrant server CA', now),
          certificateHosts({
            externalUrl: settings.externalUrl,
            hosts: settings.host ?? [],
            listenHost: settings.listen.host,
          }),
        );
  return { authorities, issuer, identity };
}

/** Makes what the first start makes, so that several processes can then start at once: directory, CAs and schema. */
export async function prepareService(settings: Settings, context: RuntimeContext): Promise<void> {
  const { identity } = await openIdentities(settings, context.clock());
  await identity.read(context.clock());
  const store = await openStore(settings, context, true);
  await store.close();
}

/** Starts the redemption service, and resolves once it answers. */
export async function startService(settings: Settings, context: RuntimeContext): Promise<RunningService> {
  const { clock, logger } = context;
  const { authorities, issuer, identity } = await openIdentities(settings, clock());
  const shown = await identity.read(clock());
  const store = await openStore(settings, context, true);
  const metrics = createMetrics();
  const endpoints = settings.endpoint ?? [];
  const pathPrefix = settings.pathPrefix ?? settings.externalUrl?.pathname ?? '/';
  const app = createRedemptionApp({
    store,
    site: new StandaloneSite({
      endpoints,
      defaultIssuer: issuer,
      findIssuer: (name) => authorities.find(name, clock()),
      clock,
    }),
    keys: keySource(settings),
    stockReplay: { windowMs: settings.stockReplayWindow, bindSource: settings.stockReplaySource === 'on' },
    onLedgerFailure: (error) =>
      logger.warn({ event: 'ledger_failed', err: error }, 'an attempt was not noted'),
    pathPrefix,
    allowRedeemByKey: settings.allowRedeemByKey,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    observer: metrics,
    ...context,
  });
  const listener = createTlsListener(
    shown,
    {
      minVersion: `TLSv${settings.tlsMinVersion}`,
      requestTimeoutMs: BODY_TIMEOUT_MS + 5_000,
      maxConnections: settings.maxConnections,
    },
    app as RequestListener,
  );
  const listening = await listen(listener.server, settings.listen);
  const url = serviceUrl({
    externalUrl: settings.externalUrl,
    pathPrefix,
    hosts: settings.host ?? [],
    listenHost: settings.listen.host,
    port: listening.port,
  });
  const { sha256: caSha256 } = describeCertificate(shown.ca);
  const { hosts } = describeCertificate(shown.cert);
  const description: ServiceDescription = {
    platform: 'standalone',
    url,
    ca: shown.ca,
    caSha256,
    hosts,
    endpoints,
    issuer: issuer.description,
  };
  await publishService(store, description);
  if (endpoints.length > 0) await store.initializeGrants(clock());
  metrics.setCertificateExpiry('server', shown.notAfter);
  metrics.setCertificateExpiry('issuer', issuer.notAfter);
  const reloadIdentity = identityReloader(identity, listener, description, store, metrics, context);
  const timers = [
    setInterval(() => void reloadIdentity(), IDENTITY_CHECK_MS),
    setInterval(() => void sweep(store, metrics, context), SWEEP_MS),
  ];
  for (const timer of timers) timer.unref();
  return {
    description,
    listening,
    metrics,
    readiness: [
      { name: 'store', ready: () => store.probe() },
      { name: 'certificate', ready: async () => assertValid('server certificate', shown.notAfter, clock()) },
      { name: 'issuer', ready: async () => assertValid('issuer', issuer.notAfter, clock()) },
    ],
    reloadIdentity,
    async close() {
      for (const timer of timers) clearInterval(timer);
      await listener.drain(DRAIN_MS);
      await store.close();
    },
  };
}

function assertValid(what: string, notAfter: number, now: number): void {
  if (notAfter <= now) throw new Error(`the ${what} ended ${new Date(notAfter).toISOString()}`);
}

function keySource(settings: Settings) {
  const maker = new KeyMaker({ maxQueued: MOST_QUEUED_KEYS });
  return { type: settings.serverKeyType, make: maker.make.bind(maker) };
}

async function listen(
  server: Server | TlsListener['server'],
  address: Settings['listen'],
): Promise<AddressInfo> {
  server.listen({ port: address.port, ...(address.host !== '' && { host: address.host }), backlog: 2048 });
  await once(server, 'listening');
  return server.address() as AddressInfo;
}

/** Erases what was kept for replays long enough, and counts grants for the metrics. */
async function sweep(store: GrantStore, metrics: Metrics, { clock, logger }: RuntimeContext): Promise<void> {
  try {
    await store.eraseSealedAnswers(clock());
    metrics.setGrants(await store.countGrants(clock()));
  } catch (error) {
    logger.warn(
      { event: 'sweep_failed', err: error },
      'sealed answers were not erased; the next turn tries again',
    );
  }
}

/** Makes the function that puts a changed certificate into use; one that cannot be used leaves the old one. */
function identityReloader(
  identity: ServerIdentitySource,
  listener: TlsListener,
  description: ServiceDescription,
  store: GrantStore,
  metrics: Metrics,
  { clock, logger }: RuntimeContext,
): () => Promise<void> {
  let version = identity.version(clock());
  return async () => {
    try {
      const current = identity.version(clock());
      if (current === version) return;
      const { cert, key, ca, notAfter } = await identity.read(clock());
      listener.setCredentials({ cert, key });
      version = identity.version(clock());
      const { sha256: caSha256 } = describeCertificate(ca);
      await publishService(store, { ...description, ca, caSha256, hosts: describeCertificate(cert).hosts });
      metrics.setCertificateExpiry('server', notAfter);
      logger.info({ event: 'certificate_reloaded' }, 'the server certificate was reloaded');
    } catch (error) {
      logger.error(
        { event: 'certificate_kept', err: error },
        'the new server certificate is unusable; the old one stays',
      );
    }
  };
}

/** A listener for operators: health, readiness and metrics over plain HTTP. */
export async function startOperations(
  address: NonNullable<Settings['opsListen']>,
  parts: Parameters<typeof createOperationsApp>[0],
): Promise<{ readonly listening: AddressInfo; close(): Promise<void> }> {
  const server = createServer(createOperationsApp(parts) as RequestListener);
  const listening = await listen(server, address);
  return {
    listening,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A server certificate from the site CA for a router at `hosts`; PEM, valid for a year. */
export async function issueSiteCertificate(settings: Settings, hosts: readonly string[], now: number) {
  makePrivateDirectory(settings.dataDir);
  return issueIdentity(await openIssuer(settings, now), hosts, now);
}
