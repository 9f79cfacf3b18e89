import { setTimeout as sleep } from 'node:timers/promises';
import { hasStore } from '../../compose/open-store.js';
import {
  ISSUER_CHECK_INTERVAL_MS,
  openIssuers,
  SERVER_CA,
  SITE_CA,
  serverTrust,
} from '../../compose/site-issuer.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import {
  publishAuthorities,
  type ServiceDescription,
} from '../../redemption/accepting/service-description.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { IssuerCa, RotatingIssuers } from '../../redemption/ports/issuers.js';
import { localSettingsFrom } from '../session/configuration.js';
import { type StoreSession, withStore } from '../session/store-session.js';
import { CommandError, usageError } from '../terminal/command-error.js';

/** The flags of a command that uses issuers, including settings. */
export type IssuerFlags = Readonly<Record<string, unknown>>;

/** The issuers of a data directory, and the description of the service that uses them. */
export interface IssuerSession {
  readonly issuers: RotatingIssuers;
  readonly settings: Settings;
  /** Undefined if it does not exist yet. */
  readonly store: DatabaseStore | undefined;
  /** Undefined before the first start of a service. */
  readonly service: ServiceDescription | undefined;
}

/** An issuer whose CAs linkgrant manages. */
export interface OwnIssuer {
  readonly name: string;
  /** What it signs: certificates of links, or the certificate of the service. */
  readonly signs: 'links' | 'service';
  /** Its CAs, the active one first. */
  readonly cas: readonly [IssuerCa, ...IssuerCa[]];
}

/** Why commands that use issuers fail in a cluster. */
const NOT_IN_CLUSTER = {
  reason:
    "on kubernetes the CAs that sign links are Secrets of each site's namespace, and linkgrant does not change them",
  hint: "change the Secret of the site's issuer; the service reads it for each link",
};

const REPLACE_EXTERNAL_CA =
  'put the new certificate, followed by the old one while links need it, and the key into the files of --issuer-cert and --issuer-key; the service reads them again';

/**
 * Runs `operation` on the issuers of the data directory, and on the store if there is one, which is closed afterwards. With
 * `--dry-run` the store does not change.
 */
export async function withIssuers<T>(
  flags: IssuerFlags,
  operation: (session: IssuerSession) => Promise<T>,
): Promise<T> {
  const settings = localSettingsFrom(flags, NOT_IN_CLUSTER);
  const issuers = openIssuers(settings.dataDir, commandContext());
  if (!hasStore(settings)) return operation({ issuers, settings, store: undefined, service: undefined });
  const onStore = ({ store, service }: StoreSession) =>
    operation({ issuers: withPublication(issuers, settings, store), settings, store, service });
  return withStore(settings, flags, onStore, flags.dryRun === true);
}

/**
 * Returns issuers whose operations publish the CAs in the store, and resolve when a running service uses the change. They publish
 * before the change too, because an earlier command may have been stopped after its change: the CA in the store would be unknown
 * once it is retired.
 */
function withPublication(
  issuers: RotatingIssuers,
  settings: Settings,
  store: DatabaseStore,
): RotatingIssuers {
  const change = async <T>(name: string, operation: () => Promise<T>): Promise<T> => {
    const publish = () => publishIssuer(name, issuers, settings, store);
    await publish();
    const outcome = await operation();
    await publish();
    await sleep(ISSUER_CHECK_INTERVAL_MS);
    return outcome;
  };
  return {
    ...issuers,
    prepare: (name) => change(name, () => issuers.prepare(name)),
    activate: (name) => change(name, () => issuers.activate(name)),
    retire: (name, sha256) => change(name, () => issuers.retire(name, sha256)),
  };
}

/** Returns the store of the session. Throws a CommandError if there is none. */
export function requireStore({ store }: IssuerSession): DatabaseStore {
  if (store) return store;
  throw usageError(
    'there is no store with records of links',
    'set --data-dir and --store to those of the service',
  );
}

/** Returns the platform of the settings; if that is `standalone`, the platform that the service recorded in the store. */
export function platformOf({
  settings,
  service,
}: Pick<IssuerSession, 'settings' | 'service'>): Settings['platform'] {
  return settings.platform === 'standalone' ? (service?.platform ?? 'standalone') : settings.platform;
}

/** Throws a CommandError on a system platform, where Skupper manages the CAs that sign links; `name` is that of the issuer. */
export function refuseSystem(name: string, session: IssuerSession): void {
  const platform = platformOf(session);
  if (platform === 'standalone') return;
  throw usageError(
    `on ${platform} Skupper manages the CAs that sign links`,
    `put the new CA into input/issuers/${name} of the namespace (ca.crt, tls.crt, tls.key), add it to the CAs that the routers trust in input/certs, and reload the site; the service reads it then, and grants can select it`,
  );
}

/** Returns the issuer of that name. Throws a CommandError if the issuer does not exist, or linkgrant does not manage its CAs. */
export function requireOwnIssuer(name: string, session: IssuerSession): OwnIssuer {
  const { issuers, settings, service } = session;
  if (name !== SERVER_CA) refuseSystem(name, session);
  if (name === SITE_CA && settings.issuerCert !== undefined) {
    const message = `links are signed by the CA in ${settings.issuerCert}, which linkgrant does not manage`;
    throw usageError(message, REPLACE_EXTERNAL_CA);
  }
  const [active, ...others] = issuers.names().includes(name) ? issuers.list(name) : [];
  if (!active) {
    throw usageError(
      `there is no issuer "${name}" in ${settings.dataDir}`,
      '`linkgrant issuer list` shows the existing issuers, `linkgrant issuer create` creates one',
    );
  }
  const cas: OwnIssuer['cas'] = [active, ...others];
  if (name === SITE_CA && service && !cas.some(({ subject }) => subject === service.issuer)) {
    const message = `links are signed by the external CA "${service.issuer}" of the service (--issuer-cert)`;
    throw usageError(message, REPLACE_EXTERNAL_CA);
  }
  if (name !== SERVER_CA) return { name, signs: 'links', cas };
  if (service && !cas.some(({ sha256 }) => sha256 === service.caSha256)) {
    throw usageError(
      'the certificate of the service is external (--tls-cert), and linkgrant does not manage its CA',
      'first append the new CA to the file of --tls-ca, and replace the certificate later; the service reads the files again',
    );
  }
  return { name, signs: 'service', cas };
}

/**
 * Publishes a change of the CA of the service or of the site CA in the store, so that tokens and commands use it at once, even if
 * no service runs. Does nothing for other issuers, which the store does not contain.
 */
async function publishIssuer(
  name: string,
  issuers: RotatingIssuers,
  settings: Settings,
  store: DatabaseStore,
): Promise<void> {
  const trust = name === SERVER_CA ? serverTrust(settings.dataDir, commandContext().clock()) : undefined;
  if (trust) await publishAuthorities(store, trust);
  const [active] = name === SITE_CA ? issuers.list(name) : [];
  if (active) await publishAuthorities(store, { issuer: active.subject });
}

/** Runs `operation`; an unusable CA file becomes a CommandError. */
export async function withCaErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if ((error as Error).name !== 'CertificateAuthorityError') throw error;
    const hint = 'correct or remove the file that the message names; nothing was changed';
    throw new CommandError((error as Error).message, { exitCode: 1, hint, cause: error });
  }
}
