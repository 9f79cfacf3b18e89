import type { Logger } from 'pino';
import { fetchKeySet } from '../../admin/api/oidc-keys.js';
import type { Metrics } from '../../admin/metrics.js';
import { OidcProvider } from '../../admin/oidc-provider.js';
import { providerFetch } from '../../client/provider-fetch.js';
import { type IdentityKey, readIdentityKeys } from '../../codes/identity-keys.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type {
  IdentityCheck,
  IdentityProviders,
  LoadedProvider,
} from '../../redemption/ports/identity-providers.js';
import { type ConfiguredProvider, ProviderReader, type ReadProviders, sharedKey } from './read-providers.js';

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
  /** The running fetch. */
  fetching: Promise<void> | undefined;
  /** Why the last fetch failed. */
  error: unknown;
  /** How far the clock of the issuer was ahead in the last response, in milliseconds. */
  clockDifferenceMs: number | undefined;
}

/** What is known of a configured provider. */
export interface ProviderState extends Pick<FetchedKeys, 'error' | 'clockDifferenceMs'> {
  readonly name: string;
  readonly keys: number;
  /** The issuer; undefined if the provider cannot be used. */
  readonly issuer: string | undefined;
  /** The file of its keys; undefined if they are fetched. */
  readonly keysFile: string | undefined;
}

interface Dependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The origin of the service. */
  readonly origin: () => string;
  readonly metrics?: Pick<Metrics, 'identityTokenVerified' | 'followIdentities'>;
  readonly pauseMs?: number;
}

/** The providers of the settings and of their directory, with keys from files or fetched in the background. */
export class ConfiguredIdentities implements IdentityProviders {
  readonly #deps: Dependencies;
  readonly #reader: ProviderReader;
  readonly #fetched = new Map<string, FetchedKeys>();
  readonly clock: Clock;
  #read: ReadProviders = { usable: [], unusable: [] };
  #loaded: { readonly origin: string; readonly providers: readonly LoadedProvider[] } | undefined;
  /** The skipped keys that were logged last, as JSON, by provider. */
  readonly #skipped = new Map<string, string>();

  private constructor(settings: Settings, deps: Dependencies) {
    this.#deps = deps;
    this.#reader = new ProviderReader(settings, (name, text) => this.#readKeys(name, text));
    this.clock = deps.clock;
  }

  /**
   * Reads the providers, and starts to fetch keys. Undefined if none are configured. Rejects with ConfigurationError if the settings
   * are wrong; a provider of the directory that cannot be used is only logged.
   */
  static async open(settings: Settings, deps: Dependencies): Promise<ConfiguredIdentities | undefined> {
    if (settings.identities === undefined && settings.identitiesDirectory === undefined) return undefined;
    const opened = new ConfiguredIdentities(settings, deps);
    const read = await opened.#reader.read(deps.origin());
    const wrong = read.unusable.find(({ isSetting }) => isSetting);
    if (wrong) throw wrong.error;
    opened.#use(read);
    deps.metrics?.followIdentities(() => opened.states());
    return opened;
  }

  list(): readonly LoadedProvider[] {
    const origin = this.#deps.origin();
    if (this.#loaded?.origin !== origin) {
      const providers = this.#read.usable.map((provider) => ({
        ...provider,
        audience: provider.audience ?? origin,
        keys: provider.keys ?? this.#fetched.get(provider.name)?.keys,
      }));
      this.#loaded = { origin, providers };
    }
    return this.#loaded.providers;
  }

  reportUnknownKey(issuer: string): void {
    for (const provider of this.#read.usable)
      if (provider.issuer === issuer) this.#fetch(provider, this.#pauseMs);
  }

  countToken(outcome: 'accepted' | IdentityCheck, provider: string | undefined): void {
    this.#deps.metrics?.identityTokenVerified(outcome, provider);
  }

  /** The state of each provider, first of those that cannot be used. */
  states(): readonly ProviderState[] {
    const none = { issuer: undefined, keysFile: undefined, clockDifferenceMs: undefined };
    const unusable = this.#read.unusable.map(({ name, error }) => ({ ...none, name, keys: 0, error }));
    const usable = this.#read.usable.map(({ name, issuer, keysFile, keys }) => {
      const { keys: fetched = [], error, clockDifferenceMs } = this.#fetched.get(name) ?? {};
      return { name, issuer, keysFile, keys: (keys ?? fetched).length, error, clockDifferenceMs };
    });
    return [...unusable, ...usable];
  }

  /** Resolves once no fetch is running. */
  async settled(): Promise<void> {
    await Promise.all([...this.#fetched.values()].map(({ fetching }) => fetching));
  }

  /** Reads the files again that have changed, and starts to fetch keys that are old. Never rejects. */
  async refresh(): Promise<void> {
    const { usable } = this.#read;
    const read = await this.#reader.read(this.#deps.origin());
    const isSame = read.usable.length === usable.length && usable.every((one, at) => one === read.usable[at]);
    if (!isSame) {
      const identityProviders = read.usable.length;
      this.#deps.logger.info(
        { event: 'identities_reloaded', identityProviders },
        'the identity providers were read again',
      );
    }
    this.#use(read);
  }

  #use(read: ReadProviders): void {
    const logged = new Set(this.#read.unusable.map(({ error }) => error.message));
    for (const { name: identityProvider, error } of read.unusable) {
      if (logged.has(error.message)) continue;
      this.#deps.logger.error(
        { event: 'identity_provider_unusable', identityProvider, err: error },
        'an identity provider cannot be used, and its tokens are refused',
      );
    }
    this.#read = read;
    this.#loaded = undefined;
    const names = new Set(read.usable.map(({ name }) => name));
    const owners = ownersOf(read.usable);
    // Also delete fetched keys that a file now contains: the file has precedence, because the operator wrote it.
    for (const [name, { keys = [] }] of this.#fetched)
      if (!names.has(name) || sharedKey({ name, issuer: '', keys }, owners) !== undefined)
        this.#fetched.delete(name);
    for (const provider of read.usable) {
      const hasFailed = this.#fetched.get(provider.name)?.error !== undefined;
      this.#fetch(provider, hasFailed ? this.#pauseMs : FETCH_INTERVAL_MS);
    }
  }

  get #pauseMs(): number {
    return this.#deps.pauseMs ?? FETCH_PAUSE_MS;
  }

  /** Starts to fetch the keys of a provider, unless they are in a file or the last fetch started less than `ms` ago. */
  #fetch(provider: ConfiguredProvider, ms: number): void {
    if (provider.keys) return;
    const fetched = this.#fetchedKeysOf(provider);
    const now = performance.now();
    if (fetched.fetching || now - fetched.startedAt < ms) return;
    fetched.startedAt = now;
    const { name: identityProvider } = provider;
    const { logger } = this.#deps;
    fetched.fetching = this.#fetchInto(provider, fetched)
      .then(() => {
        fetched.error = undefined;
        logger.debug(
          { event: 'identity_keys_fetched', identityProvider },
          'the keys of an identity provider were fetched',
        );
      })
      .catch((error: unknown) => {
        fetched.error = error;
        // It may have moved its keys.
        fetched.oidc.discardMetadata();
        logger.warn(
          { event: 'identity_keys_failed', identityProvider, err: error },
          'the keys of an identity provider cannot be fetched now',
        );
      })
      .finally(() => {
        fetched.fetching = undefined;
      });
  }

  async #fetchInto({ name }: ConfiguredProvider, fetched: FetchedKeys): Promise<void> {
    const response = await fetchKeySet(fetched.oidc);
    const date = Date.parse(response.headers.get('date') ?? '');
    fetched.clockDifferenceMs = Number.isNaN(date) ? undefined : date - this.clock();
    const keys = await this.#readKeys(name, await response.text());
    const owner = sharedKey({ name, issuer: '', keys }, ownersOf(this.list(), name));
    if (owner !== undefined)
      throw new Error(`${owner} has one of its keys too: one key belongs to one provider`);
    fetched.keys = keys;
    this.#loaded = undefined;
  }

  /** Reads a key set. Logs the keys that are malformed, unless it has logged the same ones before. */
  async #readKeys(identityProvider: string, text: string): Promise<readonly IdentityKey[]> {
    const skipped: { readonly kid: string; readonly reason: string }[] = [];
    try {
      return await readIdentityKeys(text, (kid, reason) => skipped.push({ kid, reason }));
    } finally {
      const skippedJson = JSON.stringify(skipped);
      if (skippedJson !== (this.#skipped.get(identityProvider) ?? '[]'))
        this.#deps.logger.warn(
          { event: 'identity_keys_skipped', identityProvider, skipped },
          'malformed keys of an identity provider are not used',
        );
      this.#skipped.set(identityProvider, skippedJson);
    }
  }

  #fetchedKeysOf({ name, issuer, ca }: ConfiguredProvider): FetchedKeys {
    const configured = JSON.stringify([issuer, ca]);
    const found = this.#fetched.get(name);
    if (found?.configured === configured) return found;
    const fetch = providerFetch(ca, 'ca of the identity provider', { clock: this.clock });
    const created: FetchedKeys = {
      // Its pauses, like those below, do not depend on the clock of the machine.
      oidc: new OidcProvider({ issuer, fetch, clock: () => performance.now() }),
      ...{ configured, keys: undefined, startedAt: Number.NEGATIVE_INFINITY },
      ...{ fetching: undefined, error: undefined, clockDifferenceMs: undefined },
    };
    this.#fetched.set(name, created);
    return created;
  }
}

/** Returns the names of the providers whose keys are known, by key, without those of the provider `except`. */
function ownersOf(
  providers: readonly Pick<ConfiguredProvider, 'name' | 'issuer' | 'keys'>[],
  except?: string,
): Map<string, string> {
  const owners = new Map<string, string>();
  for (const provider of providers)
    if (provider.keys && provider.name !== except) sharedKey(provider, owners);
  return owners;
}
