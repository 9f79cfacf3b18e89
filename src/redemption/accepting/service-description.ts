import type { LinkEndpoint } from '../../domain/link.js';
import type { DatabaseStore } from '../ports/database-store.js';
import type { GrantStore } from '../ports/grant-store.js';

/** The Skupper directory and the selection of the system sites of a service. */
export interface SystemPlace {
  /** Skupper's data directory. */
  readonly skupperHome: string;
  /** The possible hosts of links; a link gets the first one that its router's certificate names. Empty: hosts are detected. */
  readonly hosts: readonly string[];
  /** The only namespace that is served; absent for all. */
  readonly namespace?: string | undefined;
  /** The platform that the service was started for. Hints also use it for a namespace that was never started. */
  readonly platform: string;
}

/** The data that a service publishes in the store, so that commands can issue tokens even while it is stopped. */
export interface ServiceDescription {
  readonly platform: 'standalone' | 'podman' | 'docker' | 'linux' | 'kubernetes';
  /** Version of the service; absent on kubernetes. */
  readonly version?: string;
  /** End of the certificate at `url`, milliseconds since the epoch; absent on kubernetes. */
  readonly certificateNotAfter?: number;
  /** Base URL of tokens, path prefix included, without a trailing slash. */
  readonly url: string;
  /** Kubernetes only: why `url` is a cluster-internal name, with a hint; absent if `url` is the published address. */
  readonly noAddress?: string;
  /** PEM of the CA that the URL's server certificate verifies against. */
  readonly ca: string;
  /** SHA-256 of the first certificate of `ca`, lower-case hex. */
  readonly caSha256: string;
  /** The values of `--host` and `--external-url` for the next start, which uses them if it has neither; absent on kubernetes. */
  readonly address?: { readonly host: readonly string[]; readonly externalUrl?: string };
  /** Names and addresses in the server certificate. */
  readonly hosts: readonly string[];
  /**
   * Endpoints of Links on the platform `standalone`; empty while it accepts no links. Empty on the other platforms, where the
   * endpoints are those of the sites.
   */
  readonly endpoints: readonly LinkEndpoint[];
  /** System sites only. */
  readonly system?: SystemPlace;
  /** Subject of the CA that signs link certificates by default; null if sites have their own. */
  readonly issuer: string | null;
}

const SETTING = 'service';

/** Publishes the description into the store. */
export async function publishService(store: DatabaseStore, description: ServiceDescription): Promise<void> {
  await store.putSetting(SETTING, JSON.stringify(description));
}

/** Returns the description that was published last, or undefined before the first start of a service. */
export async function readService(store: GrantStore): Promise<ServiceDescription | undefined> {
  const text = await store.getSetting(SETTING);
  return text === undefined ? undefined : (JSON.parse(text) as ServiceDescription);
}

/** Updates the CAs in the published description, after a command changed them while the service runs. */
export async function publishAuthorities(
  store: DatabaseStore,
  change: Partial<Pick<ServiceDescription, 'ca' | 'caSha256' | 'issuer'>>,
): Promise<void> {
  const service = await readService(store);
  if (service) await publishService(store, { ...service, ...change });
}
