import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createAdminApp } from '../admin/api/admin-app.js';
import { unreadableProblem } from '../admin/api/admin-problem.js';
import { bearerAuthentication, type Caller } from '../admin/api/bearer.js';
import { ChangeStreams } from '../admin/api/change-streams.js';
import { jwksFile } from '../admin/api/jwks-file.js';
import { oidcKeys } from '../admin/api/oidc-keys.js';
import type { LoginMetadata } from '../admin/api/resource-metadata.js';
import type { Metrics } from '../admin/metrics.js';
import { isProviderUrl, OidcProvider } from '../admin/oidc-provider.js';
import { providerFetch } from '../client/provider-fetch.js';
import type { Settings } from '../config/setting-schemas.js';
import { actorOf, SERVICE } from '../domain/actor.js';
import { ConfigurationError } from '../domain/configuration-error.js';
import { readOptionalText } from '../files/bounded-text.js';
import { clientAddress } from '../http/client-address.js';
import { ConnectionTable } from '../http/connection-table.js';
import { SourceBudget } from '../http/source-budget.js';
import { createTlsListener, type TlsCredentials } from '../http/tls-listener.js';
import { readKeyPair } from '../platforms/standalone/server-certificate.js';
import { Networks } from '../redemption/accepting/cidr.js';
import type { AdministrationDependencies } from '../redemption/administration/dependencies.js';
import { sharedVerification } from '../redemption/administration/shared-verification.js';
import { administrationOfStore } from '../redemption/administration/store-administration.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { ConnectionObserver } from '../redemption/ports/connections.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import { administrationDependencies } from './administration-dependencies.js';
import { listen } from './operations.js';
import { createTeamConsole } from './team-console.js';

const REQUEST_TIMEOUT_MS = 20_000;
/** Maximum number of open connections to the admin API. */
export const ADMIN_CONNECTIONS = 500;
// Administrators are few, even behind one address. Authenticated connections do not count.
const UNPROVEN_PER_SOURCE = 128;
// A person with an expired bearer token tries a few times, a polling client a few times a minute.
const FAILURE_BUDGET = {
  points: 30,
  seconds: 60,
  event: 'authentications_limited',
  subject: 'failed authentications',
};

/** Dependencies of the admin API. */
export interface AdminContext {
  readonly store: DatabaseStore;
  /** The credentials that the service presents. */
  readonly credentials: TlsCredentials;
  readonly metrics: Metrics;
  readonly checkReadiness: AdministrationDependencies['checkReadiness'];
  readonly runDoctor?: AdministrationDependencies['runDoctor'];
  readonly connections: ConnectionObserver | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The console's pages, by their paths; by default the built ones. */
  readonly consoleFiles?: ReadonlyMap<string, Buffer>;
}

/** A running admin API. */
export interface RunningAdmin {
  readonly listening: AddressInfo;
  /** Replaces the credentials of the service; the admin API uses them unless it has its own certificate. */
  setCredentials(credentials: TlsCredentials): void;
  /** Reloads its own certificate if that has changed; continues with the old one if the new one is unusable. */
  reloadCredentials(): void;
  /** Stops accepting, and closes the connections after at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Returns what the service publishes for `linkgrant login`; undefined if it has no client for that. */
function loginMetadata(issuer: string, { loginClient, loginScope }: Settings): LoginMetadata | undefined {
  return loginClient === undefined ? undefined : { issuer, clientId: loginClient, scopes: loginScope };
}

/** Starts the admin API of a store at its configured address; undefined if it is off. */
export async function startAdmin(
  settings: Settings,
  context: AdminContext,
): Promise<RunningAdmin | undefined> {
  const { adminListen, adminIssuer, adminAudience, adminTlsCert, adminTlsKey } = settings;
  const { dataDir, issuerCert, issuerKey } = settings;
  if (!adminListen || adminIssuer === undefined || adminAudience === undefined) return undefined;
  const { store, metrics, clock, logger } = context;
  const rules = {
    issuer: adminIssuer,
    audience: adminAudience,
    algorithms: settings.adminAlgorithm,
    clockToleranceMs: settings.adminClockTolerance,
    roleClaim: settings.adminRoleClaim,
    viewerRoles: settings.adminViewerRole,
    operatorRoles: settings.adminOperatorRole,
  };
  const fetch = providerFetch(readOptionalText(settings.adminIssuerCa), '--admin-issuer-ca', { clock });
  const { adminJwks } = settings;
  if ((adminJwks === undefined || settings.console !== undefined) && !isProviderUrl(adminIssuer)) {
    throw new ConfigurationError(
      `${adminIssuer} must not be used over plain http`,
      'use an https issuer (http only on this machine), or, without --console, set --admin-jwks to a file with its keys',
    );
  }
  const provider = new OidcProvider({ issuer: adminIssuer, fetch, clock });
  const keys = adminJwks === undefined ? oidcKeys(provider, clock) : jwksFile(adminJwks);
  const byBearer = bearerAuthentication(rules, keys, clock);
  const dependencies = administrationDependencies({
    store,
    actor: SERVICE,
    dataDir,
    issuerCert,
    issuerKey,
    clock,
    checkReadiness: context.checkReadiness,
    runDoctor: context.runDoctor,
    connections: context.connections,
    sharedVerification: sharedVerification(store, clock),
  });
  const administration = administrationOfStore(dependencies);
  const administrationOf = ({ subject, user }: Caller) => {
    const actor = actorOf('oidc', subject, user);
    return administrationOfStore({ ...dependencies, store: store.actingAs(actor), actor }, administration);
  };
  const streams = new ChangeStreams(administration);
  const proxies = new Networks(settings.trustedProxy ?? []);
  const isProxy = (address: string) => proxies.has(address);
  const connections = new ConnectionTable(ADMIN_CONNECTIONS, isProxy, UNPROVEN_PER_SOURCE);
  const failures = new SourceBudget(FAILURE_BUDGET, metrics.authenticationLimited, logger);
  const shared = {
    countFailure: (peer: string) => failures.count(peer),
    peerOf: (request: IncomingMessage) =>
      clientAddress(request, connections.addressOf(request.socket) ?? '', proxies),
    clock,
    logger,
  };
  const app = createAdminApp({
    administration,
    administrationOf,
    streams,
    authenticate: (request) => byBearer(request.headers.authorization),
    login: loginMetadata(adminIssuer, settings),
    ...createTeamConsole(settings, {
      ...shared,
      files: context.consoleFiles,
      rules,
      keys,
      byBearer,
      provider,
    }),
    ...shared,
    onAuthenticated: ({ socket }) => connections.markProven(socket),
    observer: metrics,
  });
  const ownFiles =
    adminTlsCert !== undefined && adminTlsKey !== undefined
      ? { cert: adminTlsCert, key: adminTlsKey }
      : undefined;
  let own = ownFiles && readKeyPair(ownFiles);
  const listener = createTlsListener(
    own ?? context.credentials,
    {
      minVersion: `TLSv${settings.tlsMinVersion}`,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      connections,
      unreadableBody: unreadableProblem,
      onUnreadable({ status, ...details }) {
        const response = { method: 'other', route: 'none', status, refused: 'unreadable', milliseconds: 0 };
        metrics.adminAnswered(response);
        logger.debug(
          { event: 'admin_unreadable', status, ...details },
          'no valid HTTP request arrived in time',
        );
      },
    },
    app,
  );
  metrics.followConnections('admin', listener.connectionCounts);
  const listening = await listen(listener.server, adminListen);
  return {
    listening,
    setCredentials(credentials) {
      if (!own) listener.setCredentials(credentials);
    },
    reloadCredentials() {
      try {
        const found = ownFiles && readKeyPair(ownFiles);
        if (!found || (found.cert === own?.cert && found.key === own.key)) return;
        listener.setCredentials(found);
        own = found;
        logger.info({ event: 'admin_certificate_reloaded' }, 'the certificate of the admin API was reloaded');
      } catch (error) {
        const event = 'admin_certificate_kept';
        logger.error(
          { event, err: error },
          'the new certificate of the admin API is unusable; the old one stays',
        );
      }
    },
    async close(graceMs) {
      streams.close();
      await listener.drain(graceMs);
    },
  };
}
