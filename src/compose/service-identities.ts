import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/setting-schemas.js';
import { flagOf, type SettingKey } from '../config/settings.js';
import { ConfigurationError } from '../domain/configuration-error.js';
import { formatHostPort } from '../domain/host-port-text.js';
import { openDataDirectory } from '../platforms/standalone/data-directory.js';
import { acquireServingLease, isServed } from '../platforms/standalone/data-directory-lease.js';
import { OwnedAuthorities, SERVER_CA } from '../platforms/standalone/owned-authorities.js';
import {
  externalIdentity,
  ownIdentity,
  type ServerIdentitySource,
} from '../platforms/standalone/server-certificate.js';
import {
  certificateHosts,
  pathPrefixOf,
  type ServiceAddress,
  withLastAddress,
} from '../platforms/standalone/service-address.js';
import { StandaloneSite } from '../platforms/standalone/site.js';
import { signingMasterKey } from '../redemption/accepting/rotate-code-keys.js';
import { readService } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';
import { OtherServiceError, type ServingLease } from '../redemption/ports/serving-lease.js';
import type { Site } from '../redemption/ports/site.js';
import { openCodeKeys } from './open-code-keys.js';
import { acquireStoreLease, checkStore, type StoreLocation, sqliteFile } from './open-store.js';
import { type DefaultIssuer, missingCa, openIssuer } from './site-issuer.js';
import { openSystemSite, systemOf } from './system-sites.js';

/** Identity of a service and of its site. */
export interface ServiceIdentities {
  readonly site: Site;
  /** The CA that signs links; undefined if sites have their own. */
  readonly issuer: DefaultIssuer | undefined;
  /** The address in the settings, or that of the last start if they have none. */
  readonly address: ServiceAddress;
  /** The service's own certificate. It names the hosts of the address unless the operator manages it. */
  readonly identity: ServerIdentitySource;
}

/** The site behind the service, and for a standalone service the CA that signs its links. */
async function openSite(
  settings: Settings,
  clock: Clock,
): Promise<{ site: Site; issuer: DefaultIssuer | undefined }> {
  if (settings.platform !== 'standalone') {
    return { site: openSystemSite(systemOf(settings), clock), issuer: undefined };
  }
  const issuer = await openIssuer(settings, clock());
  const authorities = new OwnedAuthorities(settings.dataDir);
  const site = new StandaloneSite({
    endpoints: settings.endpoint ?? [],
    defaultIssuer: () => issuer.find(clock()),
    findIssuer: (name) => authorities.find(name, clock()),
    clock,
  });
  return { site, issuer };
}

/** The server certificate in the operator's files; undefined if the settings name none. */
function openExternalIdentity({ tlsCert, tlsKey, tlsCa }: Settings): ServerIdentitySource | undefined {
  if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined) return undefined;
  return externalIdentity({ cert: tlsCert, key: tlsKey, ca: tlsCa });
}

/** Creates the data directory if it is missing. First checks that external files and the store can be used. */
export async function createDataDirectory(settings: Settings, clock: Clock): Promise<void> {
  await openExternalIdentity(settings)?.read(clock());
  await checkStore(settings);
  if (settings.platform === 'standalone' && settings.issuerCert !== undefined) {
    await openIssuer(settings, clock());
  }
  openDataDirectory(settings.dataDir);
}

/**
 * Opens the service's certificates and the site behind it, and creates missing CAs in the data directory. Rejects with
 * ConfigurationError if links or tokens in the store depend on a missing CA: they would not trust a new one.
 */
export async function openIdentities(
  settings: Settings,
  store: DatabaseStore,
  clock: Clock,
): Promise<ServiceIdentities> {
  const now = clock();
  const missing = await missingCa(settings, store, now);
  if (missing) throw missing;
  const { site, issuer } = await openSite(settings, clock);
  const address = withLastAddress(settings, await readService(store));
  const external = openExternalIdentity(settings);
  if (external) return { site, issuer, address, identity: external };
  const authorities = new OwnedAuthorities(settings.dataDir);
  await authorities.ensure(SERVER_CA, 'linkgrant server CA', now);
  const currentCa = (at: number) => authorities.current(SERVER_CA, at);
  const identity = ownIdentity(settings.dataDir, currentCa, certificateHosts(address));
  return { site, issuer, address, identity };
}

/**
 * Returns, as text, the settings that must be the same for all services on one data directory or store: the published
 * description and the server certificate depend on them. The data directory must exist.
 */
function sharedSettings(settings: Settings): Readonly<Partial<Record<SettingKey, string>>> {
  const { platform, externalUrl, listen, host, endpoint, tlsCa, issuerCert, skupperHome, namespace } =
    settings;
  const listenHost = tlsCa === undefined ? listen.host : '';
  const values = {
    platform,
    ...(platform !== 'standalone' && { skupperHome, namespace: namespace ?? null }),
    externalUrl: externalUrl?.href ?? null,
    pathPrefix: pathPrefixOf(settings),
    host: host ?? [],
    // Behind one external URL each service may have a port of its own.
    listen: externalUrl ? listenHost : formatHostPort(listen),
    endpoint: endpoint ?? [],
    tlsCa: tlsCa ?? null,
    issuerCert: issuerCert ?? null,
    dataDir: realpathSync(settings.dataDir),
  } satisfies Partial<Record<SettingKey, unknown>>;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
}

/**
 * Returns the settings that must be the same for services on different hosts that share a store. Paths may differ. Instead, the
 * CAs in their tokens (`ca`) must have a certificate in common: a token has to work at each service.
 */
function storeSettings(settings: Settings, ca: string): Readonly<Partial<Record<SettingKey, string>>> {
  const { dataDir: _, skupperHome: __, issuerCert: ___, ...values } = sharedSettings(settings);
  return { ...values, tlsCa: ca };
}

/**
 * Acquires the leases of the data directory and of an SQLite store that `--store` names. Their holder may update the server
 * certificate and the published description. Rejects with ConfigurationError while a service uses the same files with other
 * values of the shared settings.
 */
export async function acquireLeases(settings: Settings, clock: Clock): Promise<ServingLease> {
  const shared = sharedSettings(settings);
  const { dataDir, store } = settings;
  const places = [join(dataDir, 'serving'), ...(store?.kind === 'sqlite' ? [`${store.file}.serving`] : [])];
  const leases: ServingLease[] = [];
  try {
    for (const place of places) leases.push(await acquireServingLease(place, shared, clock));
  } catch (error) {
    allOf(leases).release();
    // The lease of the data directory is acquired first.
    throw conflictOf(error, leases.length === 0 ? dataDir : 'the same store');
  }
  return allOf(leases);
}

/**
 * Adds the lease of a PostgreSQL store to `lease`, which is for the files of this host; `ca` returns the present CA in tokens.
 * Rejects with ConfigurationError while a service with other settings uses the store. It also does so if this host lacks the key
 * with which the services of the store sign codes: services with different keys would refuse each other's codes.
 */
export async function addStoreLease(
  settings: Settings,
  { lease, store, ca, clock }: { lease: ServingLease; store: GrantStore; ca: () => string; clock: Clock },
): Promise<ServingLease> {
  if (settings.store?.kind !== 'postgres') return lease;
  const codeKeys = openCodeKeys(settings.dataDir, clock);
  if ((await signingMasterKey(store, codeKeys)) === undefined) {
    throw new ConfigurationError(
      `the tokens of this store are signed with a key that is not in ${settings.dataDir}`,
      'copy the directory code-keys from the data directory of a host whose service uses this store',
    );
  }
  try {
    return allOf([lease, await acquireStoreLease(settings.store, () => storeSettings(settings, ca()))]);
  } catch (error) {
    throw conflictOf(error, 'the same store');
  }
}

function conflictOf(error: unknown, place: string): unknown {
  if (!(error instanceof OtherServiceError)) return error;
  const flag = flagOf(error.setting as SettingKey);
  return new ConfigurationError(
    `another service runs on ${place} with another ${flag}`,
    'stop that service first, set the same value for both, or set another --data-dir and --store for this one',
    { cause: error },
  );
}

function allOf(leases: readonly ServingLease[]): ServingLease {
  return {
    renew: () => leases.every((lease) => lease.renew()),
    release: () => {
      for (const lease of leases) lease.release();
    },
  };
}

/**
 * True if a service of this host runs on the data directory or the SQLite file, or ended less than five seconds ago without releasing
 * its lease. Does not detect services of other hosts on a PostgreSQL store.
 */
export function isServedHere({ store, dataDir }: StoreLocation, clock: Clock): boolean {
  const leases = [join(dataDir, 'serving')];
  if (store?.kind !== 'postgres') leases.push(`${sqliteFile(store, dataDir)}.serving`);
  return leases.some((directory) => isServed(directory, clock));
}
