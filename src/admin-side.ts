import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createAdminApp } from './admin/api/admin-app.js';
import { type BearerKeys, bearerAuthentication } from './admin/api/bearer.js';
import { identityFetch } from './admin/api/identity-fetch.js';
import { jwksFile } from './admin/api/jwks-file.js';
import { isKeyUrl, oidcKeys } from './admin/api/oidc-keys.js';
import { storeAdministration } from './administration.js';
import { readBoundedText } from './files/bounded-text.js';
import { ConnectionTable } from './http/connection-table.js';
import { createTlsListener, type TlsCredentials } from './http/tls-listener.js';
import { listen } from './operations.js';
import { givenPair } from './platforms/standalone/server-identity.js';
import type { Clock } from './redemption/clock.js';
import type { GrantStore } from './redemption/grant-store.js';
import type { Settings } from './setting-schemas.js';

const REQUEST_TIMEOUT_MS = 20_000;
const MOST_CONNECTIONS = 1_000;

/** Settings of the admin API that cannot be used together. */
class AdminSettingsError extends Error {
  override readonly name = 'AdminSettingsError';
  readonly hint = 'name an https issuer (http only on this machine), or give its keys with --admin-jwks';
}

/** What the admin API is made of. */
export interface AdminContext {
  readonly store: GrantStore;
  /** What the service shows now. */
  readonly credentials: TlsCredentials;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An admin API that answers. */
export interface RunningAdmin {
  readonly listening: AddressInfo;
  /** What the service shows from now on, and the admin API too unless it has a certificate of its own. */
  setCredentials(credentials: TlsCredentials): void;
  /** Looks whether its own certificate has changed; one that cannot be used leaves the old one. */
  turn(): void;
  close(graceMs: number): Promise<void>;
}

/** Starts the admin API of a store at its configured address; undefined where it is off. */
export async function startAdmin(
  settings: Settings,
  context: AdminContext,
): Promise<RunningAdmin | undefined> {
  const { adminListen, adminIssuer, adminAudience, adminTlsCert, adminTlsKey, dataDir } = settings;
  if (!adminListen || adminIssuer === undefined || adminAudience === undefined) return undefined;
  const { store, clock, logger } = context;
  const rules = {
    issuer: adminIssuer,
    audience: adminAudience,
    algorithms: settings.adminAlgorithm,
    clockToleranceMs: settings.adminClockTolerance,
    roleClaim: settings.adminRoleClaim,
    viewerRoles: settings.adminViewerRole,
    operatorRoles: settings.adminOperatorRole,
  };
  const authenticate = bearerAuthentication(rules, keysOf(adminIssuer, settings, clock), clock);
  const administration = storeAdministration({ store, dataDir, clock });
  const app = createAdminApp({ administration, authenticate, clock, logger });
  const pair =
    adminTlsCert !== undefined && adminTlsKey !== undefined
      ? givenPair({ cert: adminTlsCert, key: adminTlsKey })
      : undefined;
  let version = pair?.version();
  const listener = createTlsListener(
    pair?.read() ?? context.credentials,
    {
      minVersion: `TLSv${settings.tlsMinVersion}`,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      connections: new ConnectionTable(MOST_CONNECTIONS),
    },
    app as RequestListener,
  );
  const listening = await listen(listener.server, adminListen);
  return {
    listening,
    setCredentials(credentials) {
      if (!pair) listener.setCredentials(credentials);
    },
    turn() {
      try {
        const found = pair?.version();
        if (!pair || found === version) return;
        listener.setCredentials(pair.read());
        version = found;
        logger.info({ event: 'admin_certificate_reloaded' }, 'the certificate of the admin API was reloaded');
      } catch (error) {
        const event = 'admin_certificate_kept';
        logger.error(
          { event, err: error },
          'the new certificate of the admin API is unusable; the old one stays',
        );
      }
    },
    close: (graceMs) => listener.drain(graceMs),
  };
}

function keysOf(issuer: string, { adminJwks, adminIssuerCa }: Settings, clock: Clock): BearerKeys {
  if (adminJwks !== undefined) return jwksFile(adminJwks);
  if (!isKeyUrl(issuer))
    throw new AdminSettingsError(`the keys of ${issuer} may not be fetched by plain http`);
  const ca = adminIssuerCa === undefined ? undefined : readBoundedText(adminIssuerCa);
  return oidcKeys({ issuer, fetch: identityFetch(ca), clock });
}
