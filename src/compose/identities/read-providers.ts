import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isProviderUrl } from '../../admin/oidc-provider.js';
import { type IdentityKey, readIdentityKeys } from '../../codes/identity-keys.js';
import { PROVIDER_SCHEMA, providerProblem, type WrittenProvider } from '../../config/identity-schema.js';
import type { Settings } from '../../config/setting-schemas.js';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { isProviderName } from '../../domain/names.js';
import { readBoundedText, readOptionalText } from '../../files/bounded-text.js';
import { explainFileError, withFileErrors } from '../../files/file-error.js';
import { fileVersion } from '../../files/file-version.js';
import { parseYamlMappings } from '../../files/yaml-documents.js';
import { matchingProblem } from '../../redemption/accepting/check-policy.js';
import type { IdentityProvider } from '../../redemption/ports/identity-providers.js';

/** A configured provider, with its keys if they are in a file, else the CA of its issuer. */
export interface ConfiguredProvider extends Omit<IdentityProvider, 'audience'> {
  /** Absent for the origin of the service. */
  readonly audience?: string | undefined;
  readonly keys?: readonly IdentityKey[];
  /** PEM; absent for the CAs that Node trusts. */
  readonly ca?: string | undefined;
}

type ProviderSettings = Pick<
  Settings,
  'identities' | 'identitiesDirectory' | 'adminIssuer' | 'adminAudience'
>;

const PROVIDER_FILE = /^(.+)\.ya?ml$/;

/** Returns a text that changes if a file of the providers changes. Throws the error of the file system. */
export function providersVersion(settings: ProviderSettings): string {
  const written = readWritten(settings);
  const files = [...written.values()]
    .flatMap(({ keys, ca }) => [keys, ca])
    .filter((file) => file !== undefined);
  const sources = providerFiles(settings).map(({ file }) => file);
  return [...sources, ...files].map((file) => `${file} ${fileVersion(file)}`).join('\n');
}

/**
 * Reads the providers of the settings and of the directory. `origin` is the audience of those without one. Rejects with
 * ConfigurationError if one of them is not valid, or if two have the same key.
 */
export async function readProviders(
  settings: ProviderSettings,
  origin: string,
): Promise<readonly ConfiguredProvider[]> {
  const providers: ConfiguredProvider[] = [];
  for (const [name, written] of readWritten(settings)) providers.push(await readProvider(name, written));
  for (const { name, issuer, audience = origin } of providers) {
    if (issuer === settings.adminIssuer && audience === settings.adminAudience)
      throw invalid(name, 'has the issuer and the audience of the admin API, whose tokens it would accept');
  }
  const shared = sharedKey(providers);
  if (shared)
    throw invalid(shared[1], `has a key that ${shared[0]} has too: one key belongs to one provider`);
  return providers;
}

/** Returns the names of two providers that have the same key; undefined if there are none. */
export function sharedKey(
  providers: readonly { readonly name: string; readonly keys?: readonly IdentityKey[] | undefined }[],
): readonly [string, string] | undefined {
  const owners = new Map<string, string>();
  for (const { name, keys = [] } of providers) {
    for (const { thumbprint } of keys) {
      const owner = owners.get(thumbprint) ?? name;
      if (owner !== name) return [owner, name];
      owners.set(thumbprint, name);
    }
  }
  return undefined;
}

async function readProvider(name: string, written: WrittenProvider): Promise<ConfiguredProvider> {
  const { issuer, audience, subjects, keyBinding, keys, ca } = written;
  const costly = matchingProblem({ identities: subjects ?? [] });
  if (costly !== undefined)
    throw invalid(name, 'has subjects that take too long to match: use globs with one *');
  const provider = { name, issuer, audience, subjects, isKeyBindingRequired: keyBinding === 'required' };
  if (keys === undefined) {
    if (!isProviderUrl(issuer)) throw invalid(name, 'has no keys file, and its issuer is no https URL');
    return { ...provider, ca: fromFile(name, () => readOptionalText(ca)) };
  }
  const text = fromFile(name, () => readBoundedText(keys));
  try {
    return { ...provider, keys: await readIdentityKeys(text) };
  } catch (error) {
    throw invalid(name, `has the keys file ${keys}, which cannot be used: ${(error as Error).message}`);
  }
}

/** The providers as they are written, by name. */
function readWritten(settings: ProviderSettings): ReadonlyMap<string, WrittenProvider> {
  const { identities = {}, identitiesDirectory = '' } = settings;
  const written = new Map(Object.entries(identities));
  for (const { name, file } of providerFiles(settings)) {
    if (!isProviderName(name))
      throw invalid(name, 'is not the name of a provider: use lower-case letters, digits and -');
    if (written.has(name)) throw invalid(name, 'is configured twice');
    const [mapping, ...others] = fromFile(name, () =>
      withFileErrors(file, () => parseYamlMappings(readBoundedText(file), { documents: 1 })),
    );
    const parsed = PROVIDER_SCHEMA.safeParse(others.length > 0 ? undefined : mapping);
    if (!parsed.success) throw invalid(name, `in ${file} is not valid: ${providerProblem(parsed.error)}`);
    const { keys, ca } = parsed.data;
    written.set(name, {
      ...parsed.data,
      ...(keys !== undefined && { keys: resolve(identitiesDirectory, keys) }),
      ...(ca !== undefined && { ca: resolve(identitiesDirectory, ca) }),
    });
  }
  return written;
}

function providerFiles({ identitiesDirectory: directory }: ProviderSettings) {
  if (directory === undefined) return [];
  if (!existsSync(directory))
    throw new ConfigurationError(
      `--identities-directory ${directory} does not exist`,
      'create it, or correct the path',
    );
  const names = fromFile('in the directory', () => withFileErrors(directory, () => readdirSync(directory)));
  return names
    .map((file) => ({ name: PROVIDER_FILE.exec(file)?.[1] ?? '', file: join(directory, file) }))
    .filter(({ name }) => name !== '')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fromFile<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw invalid(name, `cannot be read: ${(error as Error).message}`, explainFileError('', error).hint);
  }
}

function invalid(
  name: string,
  problem: string,
  hint = 'docs/reference/configuration.md describes the members of a provider',
) {
  return new ConfigurationError(`identity provider ${name} ${problem}`, hint);
}
