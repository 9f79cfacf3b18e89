import type { Logger } from 'pino';
import { fetchKeySet } from '../../admin/api/oidc-keys.js';
import { OidcProvider } from '../../admin/oidc-provider.js';
import { providerFetch } from '../../client/provider-fetch.js';
import { type IdentityKey, readIdentityKeys } from '../../codes/identity-keys.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { IdentityProviders, LoadedProvider } from '../../redemption/ports/identity-providers.js';
import { type ConfiguredProvider, providersVersion, readProviders, sharedKey } from './read-providers.js';

// As long as the admin API caches the keys of its issuer.
const FETCH_INTERVAL_MS = 600_000;
// How long a provider is not queried again after a fetch, for a token with an unknown key or after a failure.
const FETCH_PAUSE_MS = 30_000;

/** Keys that are fetched from their issuer. */
interface FetchedKeys {
  readonly oidc: OidcProvider;
  /** The configuration that they were fetched with. */
  readonly configured: string;
  keys: readonly IdentityKey[] | undefined;
  /** When the last fetch started, by `performance.now()`. */
  startedAt: number;
  isFetching: boolean;
  hasFailed: boolean;
}

interface Dependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The origin of the service. */
  readonly origin: () => string;
  readonly pauseMs?: number;
}

/** The providers of the settings and of their directory, with keys from files or fetched in the background. */
export class ConfiguredIdentities implements IdentityProviders {
  readonly #settings: Settings;
  readonly #deps: Dependencies;
  readonly #fetched = new Map<string, FetchedKeys>();
  readonly clock: Clock;
  #providers: readonly ConfiguredProvider[] = [];
  #version = '';

  private constructor(settings: Settings, deps: Dependencies) {
    this.#settings = settings;
    this.#deps = deps;
    this.clock = deps.clock;
  }

  /** Reads the providers, and starts to fetch keys. Undefined if none are configured. Rejects with ConfigurationError. */
  static async open(settings: Settings, deps: Dependencies): Promise<ConfiguredIdentities | undefined> {
    if (settings.identities === undefined && settings.identitiesDirectory === undefined) return undefined;
    const opened = new ConfiguredIdentities(settings, deps);
    await opened.#read();
    opened.#fetchDue();
    return opened;
  }

  list(): readonly LoadedProvider[] {
    const origin = this.#deps.origin();
    return this.#providers.map((provider) => ({
      ...provider,
      audience: provider.audience ?? origin,
      keys: provider.keys ?? this.#fetched.get(provider.name)?.keys,
    }));
  }

  reportUnknownKey(issuer: string): void {
    for (const provider of this.#providers)
      if (provider.issuer === issuer) this.#fetch(provider, this.#pauseMs);
  }

  /** Reads the files again if they have changed, and starts to fetch keys that are old. Never rejects. */
  async refresh(): Promise<void> {
    try {
      if (providersVersion(this.#settings) !== this.#version) {
        await this.#read();
        this.#deps.logger.info({ event: 'identities_reloaded' }, 'the identity providers were read again');
      }
    } catch (error) {
      this.#deps.logger.error(
        { event: 'identities_kept', err: error },
        'the changed identity providers are unusable; the old ones stay',
      );
    }
    this.#fetchDue();
  }

  async #read(): Promise<void> {
    // Before the files, so that a change during the reading is found next time.
    const version = providersVersion(this.#settings);
    this.#providers = await readProviders(this.#settings, this.#deps.origin());
    this.#version = version;
    const names = new Set(this.#providers.map(({ name }) => name));
    for (const name of this.#fetched.keys()) if (!names.has(name)) this.#fetched.delete(name);
  }

  get #pauseMs(): number {
    return this.#deps.pauseMs ?? FETCH_PAUSE_MS;
  }

  #fetchDue(): void {
    for (const provider of this.#providers) {
      const hasKeys = this.#fetched.get(provider.name)?.hasFailed === false;
      this.#fetch(provider, hasKeys ? FETCH_INTERVAL_MS : this.#pauseMs);
    }
  }

  /** Starts to fetch the keys of a provider, unless they are in a file or the last fetch started less than `ms` ago. */
  #fetch(provider: ConfiguredProvider, ms: number): void {
    if (provider.keys) return;
    const fetched = this.#fetchedKeysOf(provider);
    const now = performance.now();
    if (fetched.isFetching || now - fetched.startedAt < ms) return;
    fetched.isFetching = true;
    fetched.startedAt = now;
    const { name: identityProvider } = provider;
    const { logger } = this.#deps;
    this.#fetchInto(provider, fetched)
      .then(() => {
        fetched.hasFailed = false;
        logger.debug(
          { event: 'identity_keys_fetched', identityProvider },
          'the keys of an identity provider were fetched',
        );
      })
      .catch((error: unknown) => {
        fetched.hasFailed = true;
        // It may have moved its keys.
        fetched.oidc.discardMetadata();
        logger.warn(
          { event: 'identity_keys_failed', identityProvider, err: error },
          'the keys of an identity provider cannot be fetched now',
        );
      })
      .finally(() => {
        fetched.isFetching = false;
      });
  }

  async #fetchInto({ name }: ConfiguredProvider, fetched: FetchedKeys): Promise<void> {
    const keys = await readIdentityKeys(await (await fetchKeySet(fetched.oidc)).text());
    const others = this.list().filter((provider) => provider.name !== name);
    const shared = sharedKey([...others, { name, keys }]);
    if (shared) throw new Error(`${shared.join(' and ')} have the same key`);
    fetched.keys = keys;
  }

  #fetchedKeysOf({ name, issuer, ca }: ConfiguredProvider): FetchedKeys {
    const configured = JSON.stringify([issuer, ca]);
    const found = this.#fetched.get(name);
    if (found?.configured === configured) return found;
    const fetch = providerFetch(ca, 'ca of the identity provider', { clock: this.clock });
    const created: FetchedKeys = {
      // Its pauses, like those below, do not depend on the clock of the machine.
      oidc: new OidcProvider({ issuer, fetch, clock: () => performance.now() }),
      ...{
        configured,
        keys: undefined,
        startedAt: Number.NEGATIVE_INFINITY,
        isFetching: false,
        hasFailed: false,
      },
    };
    this.#fetched.set(name, created);
    return created;
  }
}
