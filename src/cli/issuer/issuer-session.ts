import { hasStore } from '../../compose/links.js';
import { openIssuers, SERVER_CA, SITE_CA } from '../../compose/site-issuer.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import type { IssuerCa, RotatingIssuers } from '../../redemption/ports/issuers.js';
import { CommandError } from '../terminal/command-error.js';
import { configurationFrom } from '../terminal/configuration.js';
import { withStore } from '../terminal/store-session.js';

/** The flags of a command on issuers: settings. */
export type IssuerFlags = Readonly<Record<string, unknown>>;

/** What commands on issuers are given from outside. */
export interface IssuerContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/** The issuers of a data directory, and what is known of the service that uses them. */
export interface IssuerSession {
  readonly issuers: RotatingIssuers;
  readonly settings: Settings;
  /** Undefined where there is none yet. */
  readonly store: GrantStore | undefined;
  readonly service: ServiceDescription | undefined;
}

/** An issuer whose CAs are linkgrant's own. */
export interface OwnIssuer {
  readonly name: string;
  /** What it signs: certificates of links, or the one of the service. */
  readonly signs: 'links' | 'service';
  /** Its CAs, the active one first. */
  readonly cas: readonly [IssuerCa, ...IssuerCa[]];
}

/** What the CAs of a cluster's sites are. */
export const ISSUERS_ARE_SECRETS = {
  why: "on kubernetes the CAs that sign links are Secrets of each site's namespace, and not linkgrant's to change",
  instead: 'change the Secret that the Site names as its issuer; the service reads it for each link',
};

/** Runs `act` on the issuers, with the store open if there is one. */
export async function withIssuers<T>(
  flags: IssuerFlags,
  context: IssuerContext,
  act: (session: IssuerSession) => Promise<T>,
): Promise<T> {
  const { settings } = configurationFrom(flags, ISSUERS_ARE_SECRETS);
  const issuers = openIssuers(settings.dataDir, context);
  if (!hasStore(settings)) return act({ issuers, settings, store: undefined, service: undefined });
  return withStore(flags, ({ store, service }) => act({ issuers, settings, store, service }));
}

/** The store of the service, or an error that asks for it. */
export function requireStore({ store }: IssuerSession): GrantStore {
  if (store) return store;
  throw new CommandError('there is no store that tells of links', {
    exitCode: 2,
    hint: 'give the --data-dir and --store of the service',
  });
}

/** What the site runs on: as the settings say, or the service that has run on their store. */
export function platformOf({ settings, service }: Pick<IssuerSession, 'settings' | 'service'>): string {
  return settings.platform === 'standalone' ? (service?.platform ?? 'standalone') : settings.platform;
}

/** The issuer of that name, if its CAs are linkgrant's to change; else an error that says whose they are. */
export function requireOwnIssuer(name: string, session: IssuerSession): OwnIssuer {
  const { issuers, settings, service } = session;
  const platform = platformOf(session);
  if (name !== SERVER_CA && platform !== 'standalone') {
    throw new CommandError(`on ${platform} the CAs that sign links are Skupper's`, {
      exitCode: 2,
      hint: `put the new CA into input/issuers/${name} of the namespace (ca.crt, tls.crt, tls.key), add it to what the routers trust in input/certs, and reload the site; the service follows`,
    });
  }
  if (name === SITE_CA && settings.issuerCert !== undefined) {
    throw new CommandError(`links are signed by the CA in ${settings.issuerCert}, which is whose made it`, {
      exitCode: 2,
      hint: 'put the new certificate, with the old one behind it while links need that, and its key into these files; the service follows',
    });
  }
  const [active, ...others] = issuers.names().includes(name) ? issuers.list(name) : [];
  if (!active) {
    throw new CommandError(`there is no issuer "${name}" in ${settings.dataDir}`, {
      exitCode: 2,
      hint: '`linkgrant issuer list` shows those that there are, `linkgrant issuer create` makes one',
    });
  }
  const cas: OwnIssuer['cas'] = [active, ...others];
  if (name === SITE_CA && service && !cas.some(({ subject }) => subject === service.issuer)) {
    throw new CommandError(
      `links are signed by "${service.issuer}", which the service was given (--issuer-cert)`,
      {
        exitCode: 2,
        hint: 'put the new certificate, with the old one behind it while links need that, and its key into the files of --issuer-cert and --issuer-key; the service follows',
      },
    );
  }
  if (name !== SERVER_CA) return { name, signs: 'links', cas };
  if (service && !cas.some(({ sha256 }) => sha256 === service.caSha256)) {
    throw new CommandError('the certificate of the service is given (--tls-cert): its CA is whose made it', {
      exitCode: 2,
      hint: 'put the new CA behind the old one into the file of --tls-ca first, and make the new certificate later; the service follows',
    });
  }
  return { name, signs: 'service', cas };
}
