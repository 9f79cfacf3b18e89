import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../domain/configuration-error.js';
import { refuseForeignDirectory } from '../files/foreign-directory.js';
import { yaml } from '../files/yaml.js';
import type { Environment } from './command-context.js';
import { defaultDataDir, defaultMaxConnections, defaultSkupperHome } from './computed-defaults.js';
import { maskSetting } from './masked-setting.js';
import { SETTING_SCHEMAS, type Settings } from './setting-schemas.js';
import {
  flagOf,
  NOT_IN_FILE,
  SETTINGS,
  type SettingDefinition,
  type SettingKey,
  variableOf,
} from './settings.js';

/** The source of a value, as messages name it. */
export type SettingSource = 'default' | `flag ${string}` | `variable ${string}` | `file ${string}`;

/** The effective configuration and its sources. */
export interface Configuration {
  readonly settings: Settings;
  /** Where each value comes from. */
  readonly sources: Readonly<Record<SettingKey, SettingSource>>;
  /** The values as the user wrote them, for output; credentials are masked. */
  readonly maskedValues: Readonly<Record<SettingKey, unknown>>;
  /** A sentence for each probable mistake. */
  readonly warnings: readonly string[];
}

/** Parsed command-line flags by setting key. */
export type Flags = Readonly<Record<string, unknown>>;

const KEYS = Object.keys(SETTINGS) as SettingKey[];
const IN_FILE: readonly string[] = KEYS.filter((key) => !NOT_IN_FILE.includes(key));
// Variables of linkgrant that are not settings of the service.
const OTHER_VARIABLES = new Set([
  'LINKGRANT_CONFIG',
  'LINKGRANT_TOKEN_FILE',
  'LINKGRANT_IDENTITY_TOKEN_FILE',
  'LINKGRANT_IDENTITY_COMMAND',
  'LINKGRANT_IDENTITY_AUDIENCE',
  // Set for the command of --identity-command, which may run linkgrant.
  'LINKGRANT_IDENTITY_KEY_AUDIENCE',
]);
// The value of a variable that Kubernetes or a container link has set for a Service named linkgrant.
const SERVICE_LINK = /^(tcp|udp|sctp):\/\//;

function readVariable(env: Environment, name: string | undefined): string | undefined {
  const value = name === undefined ? undefined : env[name];
  return value === undefined || value === '' || SERVICE_LINK.test(value) ? undefined : value;
}

/**
 * Returns the values of Skupper's variables that are not read as an `alias` of a setting: those that need a conversion, and
 * those that are read only on platform kubernetes, because other programs also use their names.
 */
function skupperVariables(
  env: Environment,
  platform: unknown,
): Readonly<Partial<Record<SettingKey, { name: string; value: string }>>> {
  const port = readVariable(env, 'SKUPPER_GRANT_SERVER_PORT');
  const base = readVariable(env, 'SKUPPER_GRANT_SERVER_BASE_URL');
  const inCluster = (name: string) => (platform === 'kubernetes' ? readVariable(env, name) : undefined);
  const watched = inCluster('WATCH_NAMESPACE');
  const own = inCluster('NAMESPACE');
  return {
    ...(watched !== undefined && { namespace: { name: 'WATCH_NAMESPACE', value: watched } }),
    ...(own !== undefined && { serviceNamespace: { name: 'NAMESPACE', value: own } }),
    ...(port !== undefined && { listen: { name: 'SKUPPER_GRANT_SERVER_PORT', value: `:${port}` } }),
    ...(base !== undefined && {
      externalUrl: { name: 'SKUPPER_GRANT_SERVER_BASE_URL', value: `https://${base}` },
    }),
  };
}

/** Returns the configuration file of a data directory; undefined if it does not exist. */
function fileIn(dataDir: string): string | undefined {
  const file = join(dataDir, 'config.yaml');
  return existsSync(file) ? file : undefined;
}

function readFile(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = yaml().parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    // The rest of the parser's message is an excerpt of the file.
    const [reason] = (error as Error).message.split('\n');
    throw new ConfigurationError(
      `configuration file ${file} cannot be read: ${reason?.replace(/:$/, '')}`,
      'set --config to a YAML file of settings, or correct the file',
    );
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigurationError(
      `configuration file ${file} is not a map of settings`,
      'write `setting: value` lines, such as `listen: :9090`',
    );
  }
  for (const key of Object.keys(content)) {
    if (NOT_IN_FILE.includes(key)) {
      throw new ConfigurationError(
        `configuration file ${file} cannot contain ${key}`,
        `use ${flagOf(key)}, or the variable ${variableOf(key as SettingKey)}`,
      );
    }
    if (!IN_FILE.includes(key)) {
      const allowed = IN_FILE.join(', ');
      throw new ConfigurationError(
        `configuration file ${file} has an unknown key, ${key}`,
        `known keys are ${allowed}`,
      );
    }
  }
  return content as Record<string, unknown>;
}

/**
 * Returns the settings in the configuration file of a data directory as they are written there, with credentials masked; none if
 * there is no such file. Their values are not checked. Throws ConfigurationError if the file cannot be read or has a key that it
 * cannot contain.
 */
export function maskedFileSettings(dataDir: string): ReadonlyMap<SettingKey, unknown> {
  const file = fileIn(dataDir);
  const values = Object.entries(file === undefined ? {} : readFile(file)) as [SettingKey, unknown][];
  return new Map(values.map(([key, value]) => [key, maskSetting(key, value)]));
}

function unknownVariables(env: Environment): string[] {
  const known = new Set<string>([...KEYS.map(variableOf), ...OTHER_VARIABLES]);
  return Object.entries(env)
    .filter(
      ([name, value]) => name.startsWith('LINKGRANT_') && !known.has(name) && !SERVICE_LINK.test(value ?? ''),
    )
    .map(([name]) => `the variable ${name} is unknown and has no effect`);
}

/**
 * Returns the effective configuration. Each value comes from the first of these that has it: the flag, the variable, the file
 * (`--config`, else `config.yaml` in the data directory if it exists), the default. Throws ConfigurationError, also if this process
 * is root and would use a directory of another user.
 */
export function loadConfiguration(
  flags: Flags,
  env: Environment,
  isRoot = process.getuid?.() === 0,
  defaultPlatform: string = SETTINGS.platform.default,
): Configuration {
  const dataDirDefault = defaultDataDir(env, isRoot);
  const settings: Record<string, unknown> = {};
  const computedDefaults: Readonly<Partial<Record<SettingKey, () => string>>> = {
    platform: () => defaultPlatform,
    dataDir: () => dataDirDefault,
    skupperHome: () => defaultSkupperHome(env, isRoot),
    maxConnections: () => defaultMaxConnections(settings.workers),
  };
  const dataDir = String(flags.dataDir ?? readVariable(env, variableOf('dataDir')) ?? dataDirDefault);
  refuseForeignDirectory(dataDir);
  const explicitFile = (flags.config as string | undefined) ?? readVariable(env, 'LINKGRANT_CONFIG');
  const file = explicitFile ?? fileIn(dataDir);
  const fileValues = file === undefined ? {} : readFile(file);
  const platform =
    flags.platform ?? readVariable(env, variableOf('platform')) ?? readVariable(env, 'SKUPPER_PLATFORM');
  const skupper = skupperVariables(env, platform ?? fileValues.platform ?? defaultPlatform);

  const sources: Record<string, SettingSource> = {};
  const maskedValues: Record<string, unknown> = {};
  for (const key of KEYS) {
    const definition: SettingDefinition = SETTINGS[key];
    const own = readVariable(env, variableOf(key));
    const alias = readVariable(env, definition.alias);
    const candidates: [unknown, SettingSource][] = [
      [flags[key], `flag ${flagOf(key)}`],
      [own, `variable ${variableOf(key)}`],
      [alias, `variable ${definition.alias}`],
      [skupper[key]?.value, `variable ${skupper[key]?.name}`],
      [fileValues[key], `file ${file}`],
      [computedDefaults[key]?.() ?? definition.default, 'default'],
    ];
    const [value, source] = candidates.find(([candidate]) => candidate !== undefined) ?? [
      undefined,
      'default',
    ];
    sources[key] = source;
    maskedValues[key] = value === undefined ? undefined : maskSetting(key, value);
    settings[key] = value === undefined ? undefined : readSetting(key, value, source);
  }
  const warnings = unknownVariables(env);
  const configuration = { settings, sources, maskedValues, warnings } as unknown as Configuration;
  checkDependencies(configuration);
  refuseForeignDirectories(configuration.settings);
  return configuration;
}

function refuseForeignDirectories({ store, platform, skupperHome }: Settings): void {
  if (store?.kind === 'sqlite') refuseForeignDirectory(dirname(store.file));
  if (platform !== 'standalone' && platform !== 'kubernetes') refuseForeignDirectory(skupperHome);
}

function readSetting(key: SettingKey, value: unknown, source: SettingSource): unknown {
  const parsed = SETTING_SCHEMAS[key].safeParse(value);
  if (parsed.success) {
    if (key === 'store') refusePasswordInFlag(parsed.data as Settings['store'], source);
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  const at = issue?.path[0];
  const wrong = Array.isArray(value) && typeof at === 'number' ? value[at] : value;
  const text = typeof wrong === 'string' ? wrong : JSON.stringify(wrong);
  const unset = source.startsWith('variable ') ? '; correct the variable, or unset it' : '';
  throw new ConfigurationError(
    `${key} (${source}) cannot be "${maskSetting(key, text)}"`,
    `it must be ${issue?.message}${unset}`,
  );
}

/** Refuses secrets in flags, because every user of the machine can list them. */
function refusePasswordInFlag(store: Settings['store'], source: SettingSource): void {
  if (store?.kind !== 'postgres' || store.password === undefined || !source.startsWith('flag ')) return;
  throw new ConfigurationError(
    'store (flag --store) contains a password, which every user of this machine can read',
    'omit it and set it with PGPASSWORD or in the file that PGPASSFILE names, or set the whole URL with LINKGRANT_STORE or in the configuration file',
  );
}

function checkDependencies({ settings, sources }: Configuration): void {
  const requires = (key: SettingKey, required: SettingKey, hint: string) => {
    if (!settings[key] || sources[key] === 'default' || settings[required] !== undefined) return;
    throw new ConfigurationError(`${flagOf(key)} requires ${flagOf(required)}`, hint);
  };
  const pair = 'set both, or neither to use a certificate of the data directory';
  requires('tlsCert', 'tlsKey', pair);
  requires('tlsKey', 'tlsCert', pair);
  requires('issuerCert', 'issuerKey', pair);
  requires('issuerKey', 'issuerCert', pair);
  const pinned = 'tokens contain the CA of the certificate, and clients trust only this CA';
  requires('tlsCa', 'tlsCert', pinned);
  requires('tlsCert', 'tlsCa', pinned);
  const adminHint = "set both, or neither to use the service's own certificate";
  requires('adminTlsCert', 'adminTlsKey', adminHint);
  requires('adminTlsKey', 'adminTlsCert', adminHint);
  const single = 'the admin API accepts bearer tokens of one issuer and one audience';
  requires('adminListen', 'adminIssuer', single);
  requires('adminListen', 'adminAudience', single);
  requires('proxyProtocol', 'trustedProxy', 'the PROXY protocol is accepted only from trusted proxies');
  requires(
    'webhook',
    'webhookSecretFile',
    'create the file: (umask 077; echo "whsec_$(openssl rand -base64 32)" > FILE)',
  );
  requires('webhookSecretFile', 'webhook', 'the secret signs webhooks');
  requires('loginClient', 'adminListen', 'the admin API publishes the client of `linkgrant login`');
  requires('loginScope', 'loginClient', '`linkgrant login` requests the scopes as this client');
  requires('console', 'adminListen', 'the admin API serves the console');
  requires('console', 'consoleClient', 'the console signs users in as a client of the OIDC issuer');
  const plain = settings.webhook?.find(({ protocol }) => protocol === 'http:');
  if (plain && !settings.webhookAllowPrivate)
    throw new ConfigurationError(
      `webhook ${plain.origin} is not https`,
      'use an https URL; --webhook-allow-private allows http to a private address',
    );
}
