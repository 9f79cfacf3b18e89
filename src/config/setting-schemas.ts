import { resolve } from 'node:path';
import { z } from 'zod';
import { DAY_MS, parseDuration } from '../domain/duration.js';
import { isLinkRole, type LinkEndpoint } from '../domain/link.js';
import { isNamespace, isResourceName } from '../domain/names.js';
import { isHost, parseHostPort } from './host-port.js';
import { IDENTITIES_SCHEMA } from './identity-schema.js';
import { PLATFORMS, type SETTINGS, type SettingKey } from './settings.js';
import { parseStoreUrl, STORE_FORM } from './store-url.js';

/** Creates a schema that reads text with `parse`, which returns undefined if the text does not meet `allowed`. */
function text<T>(allowed: string, parse: (value: string) => T | undefined) {
  const read = z.string(allowed).transform((value, context): T => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  });
  return z.preprocess(scalarText, read);
}

/** Returns the text of a scalar without surrounding space: YAML reads `1.3`, `0` and `true` as numbers and booleans. */
function scalarText(value: unknown): unknown {
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isScalar ? String(value).trim() : value;
}

function positive(most: number) {
  return text(`a whole number from 1 to ${most}`, (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    return number >= 1 && number <= most ? number : undefined;
  });
}

function duration(
  allowed = 'a duration such as 90s, 15m, 1h30m, 7d',
  minMs = 0,
  maxMs = Number.POSITIVE_INFINITY,
) {
  return text(allowed, (value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  });
}

function oneOf<const T extends readonly string[]>(...choices: T) {
  return z.preprocess(scalarText, z.enum(choices, `one of ${choices.join(', ')}`));
}

/** Creates the schema of a list: a repeated flag, commas in a variable, a list in the file. */
function listOf<T>(item: z.ZodType<T>) {
  const split = (value: unknown) => (typeof value === 'string' ? value.split(',') : value);
  return z.preprocess(split, z.array(item, 'a list'));
}

function parseEndpoint(value: string): LinkEndpoint | undefined {
  const parts = /^([a-z-]+)=(.+?)(?:@([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?))?$/.exec(value);
  const address = parts && parseHostPort(parts[2] as string);
  if (!address || address.host === '' || address.port === 0) return undefined;
  const [, name, , group = 'skupper-router'] = parts;
  if (!isLinkRole(name)) return undefined;
  return { name, host: address.host, port: String(address.port), group };
}

const cidrOrAddress = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]);

/**
 * Returns a CIDR or address unchanged. Refuses IPv4-mapped IPv6 addresses, because clients are identified by their IPv4
 * address.
 */
function parseNetwork(value: string): string | undefined {
  const isMapped = value.includes(':') && value.includes('.');
  return !isMapped && cidrOrAddress.safeParse(value).success ? value : undefined;
}

function parseExternalUrl(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' || url.username || url.password || url.search || url.hash) return undefined;
  return url.pathname.includes('%') ? undefined : url;
}

function parseOrigin(value: string): URL | undefined {
  const url = parseExternalUrl(value);
  return url?.pathname === '/' ? url : undefined;
}

function parseWebhook(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.hash) return undefined;
  return url;
}

/** True if the text can be the name of a login. The name is also part of a file name, and cannot be mistaken for a URL. */
export function isLoginName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,99}$/.test(text);
}

function visibleText(value: string): string | undefined {
  return /^[\x21-\x7e]{1,512}$/.test(value) ? value : undefined;
}

// Only algorithms with public keys: a secret shared with the issuer could also sign tokens.
const SIGNATURES = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const flag = text('true or false', (value) =>
  value === 'true' ? true : value === 'false' ? false : undefined,
);
const namespace = text('a name of at most 63 lower-case letters, digits and -', (value) =>
  isNamespace(value) ? value : undefined,
);
const resourceName = text('a name of lower-case letters, digits, - and .', (value) =>
  isResourceName(value) ? value : undefined,
);
const network = text('a network such as 10.0.0.0/8 or 2001:db8::/32, or an address', parseNetwork);
const listenAddress = text('HOST:PORT, :PORT or [IPv6]:PORT', parseHostPort);
const listenAddressOrOff = z.preprocess(
  scalarText,
  z.union([z.literal('off').transform(() => undefined), listenAddress], 'HOST:PORT, or off'),
);
const role = text('a role', (value) => value || undefined);
const visible = text('a text without spaces', visibleText);
/** Refuses commas: they separate scopes in a variable, but would be part of a scope in a flag. */
const scope = text('a scope without spaces and commas; repeat the flag for another one', (value) =>
  value.includes(',') ? undefined : visibleText(value),
);
const path = z.string().min(1, 'a path');
/** Absolute, because it is part of printed commands, which may run in another directory. */
const directory = path.transform((value) => resolve(value));

/** The schema of each setting, for text and for values of a YAML file. Messages say what is allowed. */
export const SETTING_SCHEMAS = {
  dataDir: directory,
  platform: oneOf(...PLATFORMS),
  namespace,
  serviceNamespace: namespace,
  // As in kubectl, several files are merged.
  kubeconfig: text('a path, or several with : between them', (value) => value.split(':').filter(Boolean)),
  context: z.string().min(1, 'the name of a context'),
  controllers: listOf(oneOf('accessgrant', 'accesstoken')),
  noRedemption: flag,
  tokenNetwork: listOf(network),
  ownKey: flag,
  skupperHome: directory,
  listen: listenAddress,
  externalUrl: text(
    'an https URL without query, such as https://grants.example.com:9090/grants',
    parseExternalUrl,
  ),
  pathPrefix: text('a path such as /grants, of letters, digits and -._~', (value) =>
    /^(\/[A-Za-z0-9._~-]+)*\/?$/.test(value) ? value : undefined,
  ),
  host: listOf(text('a DNS name or an IP address', (value) => (isHost(value) ? value : undefined))),
  endpoint: listOf(
    text(
      'ROLE=HOST:PORT with the role inter-router, edge or inter-network, with an IPv6 address in brackets, optionally followed by @GROUP',
      parseEndpoint,
    ),
  ),
  tlsCert: path,
  tlsKey: path,
  tlsCa: path,
  service: resourceName,
  securedAccess: flag,
  tlsSecret: resourceName,
  tlsMinVersion: oneOf('1.3', '1.2'),
  issuerCert: path,
  issuerKey: path,
  serverKeyType: oneOf('p256', 'rsa2048'),
  store: text(STORE_FORM, parseStoreUrl),
  workers: positive(64),
  opsListen: listenAddressOrOff,
  adminListen: listenAddressOrOff,
  adminTlsCert: path,
  adminTlsKey: path,
  adminIssuer: text('the issuer as its tokens name it, a URL without query', (value) =>
    URL.canParse(value) && /^https?:/.test(value) && !/[?#]/.test(value) ? value : undefined,
  ),
  adminIssuerCa: path,
  adminJwks: path,
  adminAudience: visible,
  adminAlgorithm: listOf(oneOf(...SIGNATURES)),
  adminClockTolerance: duration('a duration of at most 10m, such as 30s', 0, 10 * 60_000),
  adminRoleClaim: text('the name of a claim', (value) => value || undefined),
  adminViewerRole: listOf(role),
  adminOperatorRole: listOf(role),
  loginClient: visible,
  loginScope: listOf(scope),
  console: text('an https URL without path and query, such as https://grants.example.com:9443', parseOrigin),
  consoleClient: visible,
  consoleSecretFile: path,
  consoleScope: listOf(scope),
  consoleSession: duration('a duration from 1m to 7d, such as 8h', 60_000, 7 * DAY_MS),
  identities: IDENTITIES_SCHEMA,
  identitiesDirectory: directory,
  allowRedeemByKey: flag,
  stockReplayWindow: duration(),
  stockReplaySource: oneOf('on', 'off'),
  grantRetention: duration(),
  ledgerRetention: duration(),
  trustedProxy: listOf(network),
  proxyProtocol: flag,
  maxConnections: positive(1_000_000),
  logLevel: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  observer: text('an https URL without path and query, such as https://observer.example.com', parseOrigin),
  observerCa: path,
  observerCredentials: path,
  webhook: listOf(
    text('an https URL without user and fragment, such as https://hooks.example.com/linkgrant', parseWebhook),
  ),
  webhookSecretFile: path,
  webhookCa: path,
  webhookAllowPrivate: flag,
  server: text(
    'an https URL without path and query, such as https://grants.example.com:9443, or the name of a login',
    (value) => parseOrigin(value) ?? (isLoginName(value) ? value : undefined),
  ),
  serverCa: path,
  serverTokenFile: path,
} as const satisfies Record<SettingKey, z.ZodType>;

/** The effective value of each setting; undefined if it is unset and has no default. */
export type Settings = {
  readonly [K in SettingKey]: z.output<(typeof SETTING_SCHEMAS)[K]> | Undefinable<K>;
};
type Undefinable<K extends SettingKey> = (typeof SETTINGS)[K] extends { default: unknown }
  ? never
  : undefined;

/** The values of a setting that is one of a list; undefined for other settings, and for a name that is no setting. */
export function choicesOf(name: string): readonly string[] | undefined {
  const schema: unknown = (SETTING_SCHEMAS as Readonly<Record<string, unknown>>)[name];
  return schema instanceof z.ZodPipe && schema.out instanceof z.ZodEnum
    ? schema.out.options.map(String)
    : undefined;
}
