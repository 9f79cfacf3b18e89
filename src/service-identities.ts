import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataDirectory } from './platforms/standalone/data-directory.js';
import { OwnedAuthorities, SERVER_CA } from './platforms/standalone/owned-authorities.js';
import {
  givenIdentity,
  ownIdentity,
  type ServerIdentitySource,
} from './platforms/standalone/server-identity.js';
import { certificateHosts } from './platforms/standalone/service-address.js';
import {
  OtherServiceError,
  type ServingLease,
  takeServingLease,
} from './platforms/standalone/serving-lease.js';
import { StandaloneSite } from './platforms/standalone/site.js';
import type { Clock } from './redemption/clock.js';
import type { Site } from './redemption/site.js';
import type { Settings } from './setting-schemas.js';
import { flagOf, type SettingKey } from './settings.js';
import { sharedSettings } from './shared-settings.js';
import { type DefaultIssuer, openIssuer } from './site-issuer.js';
import { openSystemSite, systemOf } from './system-side.js';

/** What a service is before it answers. */
export interface ServiceIdentities {
  readonly site: Site;
  /** The CA that signs links; undefined where sites have their own. */
  readonly issuer: DefaultIssuer | undefined;
  /** The service's own certificate. */
  readonly identity: ServerIdentitySource;
}

/** Settings that another service on the same files does not have; `hint` says what to do. */
class SettingsConflictError extends Error {
  override readonly name = 'SettingsConflictError';
  readonly hint =
    'stop that service first, give both the same value, or give this one its own --data-dir and --store';
}

/** The site behind the service, and, where it has no platform, the CA that signs its links. */
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

/** The service's own certificates, and the site behind it; makes the data directory and its CAs where they are missing. */
export async function openIdentities(settings: Settings, clock: Clock): Promise<ServiceIdentities> {
  const now = clock();
  const { tlsCert, tlsKey, tlsCa } = settings;
  const given =
    tlsCert !== undefined && tlsKey !== undefined && tlsCa !== undefined
      ? givenIdentity({ cert: tlsCert, key: tlsKey, ca: tlsCa })
      : undefined;
  // What others keep is looked at before anything of ours is made.
  await given?.read(now);
  const { site, issuer } = await openSite(settings, clock);
  openDataDirectory(settings.dataDir);
  const authorities = new OwnedAuthorities(settings.dataDir);
  if (!given) await authorities.ensure(SERVER_CA, 'linkgrant server CA', now);
  const identity: ServerIdentitySource =
    given ??
    ownIdentity(
      settings.dataDir,
      (at) => authorities.current(SERVER_CA, at),
      certificateHosts({
        externalUrl: settings.externalUrl,
        hosts: settings.host ?? [],
        listenHost: settings.listen.host,
      }),
    );
  return { site, issuer, identity };
}

/**
 * The right to keep the server certificate and the published description up to date. Rejects with SettingsConflictError
 * while a service runs on the same data directory or store with other settings that go into these.
 */
export async function takeServing(settings: Settings, clock: Clock): Promise<ServingLease> {
  const shared = sharedSettings(settings);
  const { dataDir, store } = settings;
  const places = [join(dataDir, 'serving'), ...(store === undefined ? [] : [`${store}.serving`])];
  const leases: ServingLease[] = [];
  const release = () => {
    for (const lease of leases) lease.release();
  };
  try {
    for (const place of places) leases.push(await takeServingLease(place, shared, { clock, sleep }));
  } catch (error) {
    release();
    if (!(error instanceof OtherServiceError)) throw error;
    throw new SettingsConflictError(
      `another service runs on ${dataDir} with another ${flagOf(error.setting as SettingKey)}`,
      { cause: error },
    );
  }
  return { isHeld: () => leases.every((lease) => lease.isHeld()), release };
}
