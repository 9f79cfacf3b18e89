import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isProviderUrl } from '../../admin/oidc-provider.js';
import type { IdentityKey } from '../../codes/identity-keys.js';
import { PROVIDER_SCHEMA, providerProblem } from '../../config/identity-schema.js';
import type { Settings } from '../../config/setting-schemas.js';
import { flagOf } from '../../config/settings.js';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { isProviderName } from '../../domain/names.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError, withFileErrors } from '../../files/file-error.js';
import { fileVersion } from '../../files/file-version.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import { matchingProblem } from '../../redemption/accepting/check-policy.js';
import type { IdentityProvider } from '../../redemption/ports/identity-providers.js';

/** A configured provider, with its keys if they are in a file, else the CA of its issuer. */
export interface ConfiguredProvider extends Omit<IdentityProvider, 'audience'> {
  /** Absent for the origin of the service. */
  readonly audience?: string | undefined;
  readonly keys?: readonly IdentityKey[] | undefined;
  /** The file of these keys. */
  readonly keysFile?: string;
  /** PEM; absent for the CAs that Node trusts. */
  readonly ca?: string | undefined;
}

/** A provider that is configured and cannot be used, or a directory that cannot be read. */
export interface UnusableProvider {
  readonly name: string;
  /** True if the settings themselves are wrong, and not a file of the directory. */
  readonly isSetting: boolean;
  readonly error: Error;
}

/** The providers that can be used, and the others. */
export interface ReadProviders {
  readonly usable: readonly ConfiguredProvider[];
  readonly unusable: readonly UnusableProvider[];
}

type ProviderSettings = Pick<
  Settings,
  'identities' | 'identitiesDirectory' | 'adminIssuer' | 'adminAudience'
>;

/** Where a provider is written: in the settings, or in a file of the directory. */
interface Source {
  /** The path of the file, or the name of a provider of the settings. */
  readonly id: string;
  readonly name: string;
  readonly isSetting: boolean;
  /** Paths in the provider are relative to it. */
  readonly directory: string;
  /** Returns the members of the provider, not checked. */
  read(files: FilesRead): unknown;
}

const FILES_AT_ONCE = 100;

interface ReadSource {
  readonly provider: ConfiguredProvider;
  readonly files: FilesRead;
}

const DIRECTORY = flagOf('identitiesDirectory');
// A hidden file is one that a tool writes before it renames it.
const PROVIDER_FILE = /^([^.].*)\.ya?ml$/;

/** Reads the providers of the settings and of their directory, and each one again when one of its files has changed. */
export class ProviderReader {
  readonly #settings: ProviderSettings;
  readonly #readKeys: (name: string, text: string) => Promise<readonly IdentityKey[]>;
  /** What was read last, by the id of its source. */
  #earlier: ReadonlyMap<string, ReadSource> = new Map();
  /** The providers in use. */
  #usable: readonly ConfiguredProvider[] = [];

  constructor(
    settings: ProviderSettings,
    readKeys: (name: string, text: string) => Promise<readonly IdentityKey[]>,
  ) {
    this.#settings = settings;
    this.#readKeys = readKeys;
  }

  /**
   * Reads the providers: those of the settings, then those of the directory by name. One that cannot be used has no effect on the
   * others. If two have the same key, the one that is in use stays, so that no new file can stop another provider. `origin` is the
   * audience of those without one.
   */
  async read(origin: string): Promise<ReadProviders> {
    const unusable: UnusableProvider[] = [];
    const names = new Set<string>();
    const read = new Map<string, ReadSource>();
    const providers: (Pick<Source, 'name' | 'isSetting'> & Pick<ReadSource, 'provider'>)[] = [];
    for (const source of sourcesOf(this.#settings)) {
      const { name, isSetting } = source;
      // A fleet may have thousands of files, and requests must not wait for all of them.
      if (names.size % FILES_AT_ONCE === 0) await nextTurn();
      try {
        if (names.has(name)) throw invalid(name, 'is configured twice');
        names.add(name);
        const found = this.#earlier.get(source.id);
        const current = found?.files.areUnchanged() ? found : await this.#readSource(source);
        read.set(source.id, current);
        providers.push({ name, isSetting, provider: current.provider });
      } catch (error) {
        unusable.push({ name, isSetting, error: error as Error });
      }
    }
    // The providers in use come first.
    const inUse = new Set(this.#usable);
    const rank = ({ provider }: (typeof providers)[number]) => (inUse.has(provider) ? 0 : 1);
    const owners = new Map<string, string>();
    const usable = new Set<ConfiguredProvider>();
    for (const { name, isSetting, provider } of providers.toSorted((one, other) => rank(one) - rank(other))) {
      try {
        this.#requireOwn(provider, origin, owners);
        usable.add(provider);
      } catch (error) {
        unusable.push({ name, isSetting, error: error as Error });
      }
    }
    this.#earlier = read;
    this.#usable = providers.map(({ provider }) => provider).filter((provider) => usable.has(provider));
    return { usable: this.#usable, unusable };
  }

  async #readSource(source: Source): Promise<ReadSource> {
    const { name, directory } = source;
    const files = new FilesRead();
    const written = fromFile(name, () => source.read(files));
    if (!isProviderName(name))
      throw invalid(name, 'is not the name of a provider: use lower-case letters, digits and -');
    const parsed = PROVIDER_SCHEMA.safeParse(written);
    if (!parsed.success) throw invalid(name, `is not valid: ${providerProblem(parsed.error)}`);
    const { issuer, audience, subjects, keyBinding, keys, ca } = parsed.data;
    if (matchingProblem({ identities: subjects ?? [] }) !== undefined)
      throw invalid(name, 'has subjects that take too long to match: use globs with one *');
    const provider = { name, issuer, audience, subjects, isKeyBindingRequired: keyBinding === 'required' };
    const textOf = (file: string) => fromFile(name, () => files.read(resolve(directory, file)));
    if (keys === undefined) {
      if (!isProviderUrl(issuer)) throw invalid(name, 'has no keys file, and its issuer is no https URL');
      return { files, provider: { ...provider, ca: ca === undefined ? undefined : textOf(ca) } };
    }
    const text = textOf(keys);
    try {
      const keysFile = resolve(directory, keys);
      return { files, provider: { ...provider, keysFile, keys: await this.#readKeys(name, text) } };
    } catch (error) {
      throw invalid(name, `has the keys file ${keys}, which cannot be used: ${(error as Error).message}`);
    }
  }

  /**
   * Throws if a provider has the issuer and audience of the admin API, or a key or issuer of another provider. `owners` maps keys and
   * issuers to providers.
   */
  #requireOwn(provider: ConfiguredProvider, origin: string, owners: Map<string, string>): void {
    const { adminIssuer, adminAudience } = this.#settings;
    const { name, issuer, audience = origin, keys } = provider;
    if (issuer === adminIssuer && audience === adminAudience)
      throw invalid(name, 'has the issuer and the audience of the admin API, whose tokens it would accept');
    const shared = sharedKey(provider, owners);
    if (shared === undefined) return;
    const what = keys ? 'a key' : 'the issuer, and so the keys,';
    throw invalid(name, `has ${what} that ${shared} has too: one key belongs to one provider`);
  }
}

/**
 * Returns the provider in `owners` that has a key of this one, or that fetches its keys from the same issuer; undefined if there is
 * none. Then the keys are recorded in `owners`.
 */
export function sharedKey(
  { name, issuer, keys }: Pick<ConfiguredProvider, 'name' | 'issuer' | 'keys'>,
  owners: Map<string, string>,
): string | undefined {
  const own = keys?.map(({ keySha256 }) => keySha256) ?? [issuer];
  const owner = own.map((key) => owners.get(key)).find((found) => found !== undefined);
  if (owner === undefined) for (const key of own) owners.set(key, name);
  return owner;
}

/** Reads files, and finds out later whether one of them has changed since. */
class FilesRead {
  readonly #versions = new Map<string, string>();

  read(file: string): string {
    // Before the content, so that a change during the reading is found.
    this.#versions.set(
      file,
      withFileErrors(file, () => fileVersion(file)),
    );
    return readBoundedText(file);
  }

  areUnchanged(): boolean {
    try {
      return [...this.#versions].every(([file, version]) => fileVersion(file) === version);
    } catch {
      return false;
    }
  }
}

function* sourcesOf({
  identities = {},
  identitiesDirectory: directory,
}: ProviderSettings): Generator<Source> {
  for (const [name, written] of Object.entries(identities))
    yield { id: name, name, isSetting: true, directory: '', read: () => written };
  if (directory === undefined) return;
  let files: readonly string[];
  try {
    files = withFileErrors(directory, () => readdirSync(directory).sort());
  } catch (error) {
    const read = () => {
      throw error;
    };
    return yield { id: DIRECTORY, name: DIRECTORY, isSetting: true, directory, read };
  }
  for (const file of files) {
    const name = PROVIDER_FILE.exec(file)?.[1];
    const id = join(directory, file);
    const read = (filesRead: FilesRead) => readMapping(id, filesRead);
    if (name !== undefined) yield { id, name, isSetting: false, directory, read };
  }
}

function readMapping(file: string, files: FilesRead): unknown {
  const text = files.read(file);
  const [mapping, ...others] = withFileErrors(file, () => parseYamlMappings(text, { documents: 1 }));
  return others.length > 0 ? undefined : mapping;
}

function fromFile<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw invalid(name, `cannot be used: ${(error as Error).message}`, explainFileError('', error).hint);
  }
}

function invalid(
  name: string,
  problem: string,
  hint = 'docs/reference/configuration.md describes the members of a provider',
) {
  const subject = name === DIRECTORY ? name : `identity provider ${name}`;
  return new ConfigurationError(`${subject} ${problem}`, hint);
}
