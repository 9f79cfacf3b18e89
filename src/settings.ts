import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration } from './domain/duration.js';
import type { LinkEndpoint } from './domain/link.js';

/** Where the service listens: a host, empty for all addresses, and a port, 0 for any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i;

/** True for a DNS name or an IP address literal without brackets. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}

/** Splits `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; undefined for anything else. */
export function parseHostPort(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!parts) return undefined;
  const host = parts[1] ?? parts[2] ?? '';
  const port = Number(parts[3]);
  if (port > 65_535 || (host !== '' && !isHost(host))) return undefined;
  return { host, port };
}

/** A schema that reads text with `parse`; undefined from it means that `allowed` was not met. */
function text<T>(allowed: string, parse: (value: string) => T | undefined) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value.trim());
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  });
}

function listenAddress() {
  return text('HOST:PORT, :PORT or [IPv6]:PORT', parseHostPort);
}

function positive(most: number) {
  const allowed = `a whole number from 1 to ${most}`;
  return z
    .union([z.number(), text(allowed, (value) => (/^\d+$/.test(value) ? Number(value) : undefined))], allowed)
    .refine((value) => Number.isInteger(value) && value >= 1 && value <= most, allowed);
}

function flag() {
  const allowed = 'true or false';
  return z.union([z.boolean(), text(allowed, (value) => ({ true: true, false: false })[value])], allowed);
}

function duration() {
  return text('a duration such as 90s, 15m, 1h30m, 7d', parseDuration);
}

function oneOf<const T extends readonly string[]>(...choices: T) {
  return z.enum(choices, `one of ${choices.join(', ')}`);
}

/** Text that lists by repeating the flag, by commas in a variable, or as a list in the file. */
function listOf<T>(item: z.ZodType<T, string>) {
  return z.union([
    z.array(item),
    z
      .string()
      .transform((value) => value.split(','))
      .pipe(z.array(item)),
  ]);
}

function parseEndpoint(value: string): LinkEndpoint | undefined {
  const parts = /^(inter-router|edge)=(.+?)(?:@([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?))?$/.exec(value);
  const address = parts && parseHostPort(parts[2] as string);
  if (!address || address.host === '' || address.port === 0) return undefined;
  const [, name, , group = 'skupper-router'] = parts;
  return { name: name as LinkEndpoint['name'], host: address.host, port: String(address.port), group };
}

function parseExternalUrl(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' || url.username || url.password || url.search || url.hash) return undefined;
  return url.pathname.includes('%') ? undefined : url;
}

/** How one setting is written and read. */
export interface SettingDefinition {
  readonly schema: z.ZodType;
  /** What it holds if nobody says anything, in the words of a flag; absent when it is unset then. */
  readonly default?: string | boolean;
  /** What stands for the value in help. Absent for a switch. */
  readonly placeholder?: string;
  readonly description: string;
  /** Repeatable on the command line. */
  readonly many?: boolean;
  /** Another variable's name, read when ours is unset: Skupper's own for the same thing. */
  readonly alias?: string;
}

function setting<S extends z.ZodType, const R extends Omit<SettingDefinition, 'schema'>>(
  schema: S,
  rest: R,
): { readonly schema: S } & R {
  return { schema, ...rest };
}

const path = z.string().min(1, 'a path');

/**
 * Every setting of the service by its key in the configuration file. The long flag is the key in kebab-case, the
 * variable is `LINKGRANT_` and the key in upper snake case.
 */
export const SETTINGS = {
  dataDir: setting(path, {
    // Root's; anybody else's is under the XDG data home.
    default: '/var/lib/linkgrant',
    placeholder: 'DIR',
    description: 'where CAs, keys and the SQLite file are kept',
  }),
  listen: setting(listenAddress(), {
    default: ':9090',
    placeholder: 'HOST:PORT',
    description: 'address of the redemption service',
  }),
  externalUrl: setting(
    text('an https URL without query, such as https://grants.example.com:9090/grants', parseExternalUrl),
    {
      placeholder: 'URL',
      description: 'URL that tokens carry, with the path prefix if a proxy or an ingress needs one',
    },
  ),
  pathPrefix: setting(
    text('a path such as /grants, of letters, digits and -._~', (value) =>
      /^(\/[A-Za-z0-9._~-]+)*\/?$/.test(value) ? value : undefined,
    ),
    {
      placeholder: 'PATH',
      description: 'path that all routes are under (default: the path of --external-url)',
    },
  ),
  host: setting(listOf(text('a DNS name or an IP address', (value) => (isHost(value) ? value : undefined))), {
    placeholder: 'HOST',
    many: true,
    description: 'name or address in the server certificate; the first one is in the URL of tokens',
  }),
  endpoint: setting(
    listOf(text('inter-router=HOST:PORT or edge=HOST:PORT, optionally followed by @GROUP', parseEndpoint)),
    {
      placeholder: 'ROLE=HOST:PORT[@GROUP]',
      many: true,
      description: "where the accepting site's router is reached: inter-router=HOST:PORT or edge=HOST:PORT",
    },
  ),
  tlsCert: setting(path, {
    placeholder: 'FILE',
    description: 'server certificate chain of the service (PEM)',
  }),
  tlsKey: setting(path, { placeholder: 'FILE', description: 'key of --tls-cert (PEM)' }),
  tlsCa: setting(path, { placeholder: 'FILE', description: 'CA of --tls-cert, which tokens carry (PEM)' }),
  tlsMinVersion: setting(oneOf('1.3', '1.2'), {
    default: '1.3',
    placeholder: 'VERSION',
    description: 'lowest TLS version: 1.3 or 1.2',
  }),
  issuerCert: setting(path, {
    placeholder: 'FILE',
    description: 'certificate of the CA that signs link certificates, with its chain (PEM)',
  }),
  issuerKey: setting(path, { placeholder: 'FILE', description: 'key of --issuer-cert (PEM)' }),
  serverKeyType: setting(oneOf('p256', 'rsa2048'), {
    default: 'p256',
    placeholder: 'TYPE',
    description: 'key made for clients that send no CSR: p256 or rsa2048',
  }),
  store: setting(
    text('sqlite:FILE', (value) => (/^sqlite:.+/s.test(value) ? value.slice('sqlite:'.length) : undefined)),
    {
      placeholder: 'sqlite:FILE',
      description: 'where grants are kept (default: linkgrant.db in the data directory)',
    },
  ),
  workers: setting(positive(64), { default: '1', placeholder: 'N', description: 'processes that serve' }),
  opsListen: setting(
    z.union([z.literal('off').transform(() => undefined), listenAddress()], 'HOST:PORT, or off'),
    {
      default: '127.0.0.1:9091',
      placeholder: 'HOST:PORT',
      description: 'address of /healthz, /readyz and /metrics (plain HTTP), or off',
    },
  ),
  allowRedeemByKey: setting(flag(), {
    default: false,
    alias: 'SKUPPER_ALLOW_REDEEM_BY_KEY',
    description: 'also accept <namespace>/<grant name> in place of the uid',
  }),
  stockReplayWindow: setting(duration(), {
    default: '2m',
    placeholder: 'DURATION',
    description: 'how long a lost answer with a server-made key is given again; 0 for never',
  }),
  stockReplaySource: setting(oneOf('on', 'off'), {
    default: 'on',
    placeholder: 'on|off',
    description: 'whether such an answer is given again to the same address only',
  }),
  maxConnections: setting(positive(1_000_000), {
    default: '10000',
    placeholder: 'N',
    description: 'open connections of one process at most',
  }),
  logLevel: setting(oneOf('debug', 'info', 'warn', 'error', 'silent'), {
    default: 'info',
    placeholder: 'LEVEL',
    description: 'debug, info, warn, error or silent',
  }),
} as const satisfies Record<string, SettingDefinition>;

export type SettingKey = keyof typeof SETTINGS;

/** The effective value of each setting; what is unset and has no default is undefined. */
export type Settings = {
  readonly [K in SettingKey]: z.output<(typeof SETTINGS)[K]['schema']> | Undefinable<K>;
};
type Undefinable<K extends SettingKey> = (typeof SETTINGS)[K] extends { default: unknown }
  ? never
  : undefined;

/** `externalUrl` → `--external-url`. */
export function flagOf(key: SettingKey): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `externalUrl` → `LINKGRANT_EXTERNAL_URL`. */
export function variableOf(key: SettingKey): string {
  return `LINKGRANT_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
