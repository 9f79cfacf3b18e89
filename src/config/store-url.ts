import { isLoopback } from '../domain/peer-address.js';
import { parseHostPort } from './host-port.js';

/** The protection of a connection to PostgreSQL, with the meanings of libpq's `sslmode`. */
export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

/** A PostgreSQL database as its URL names it. */
export interface PostgresUrl {
  readonly kind: 'postgres';
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly sslMode: SslMode;
  /** Paths of PEM files; `system` as `sslrootcert` stands for the CAs that Node trusts. */
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  /** Path of a file with passwords. */
  readonly passfile: string | undefined;
  readonly options: string | undefined;
}

/** The location of the store. */
export type StoreUrl = { readonly kind: 'sqlite'; readonly file: string } | PostgresUrl;

const DEFAULT_PORT = 5432;
const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'passfile', 'host', 'options'] as const;
const SSL_MODES: readonly string[] = ['disable', 'require', 'verify-ca', 'verify-full'];

/** The form of a store URL, for messages. */
export const STORE_FORM = `sqlite:FILE, or postgres://USER@HOST:PORT/DATABASE, where more servers follow after commas and the parameters are ${PARAMETERS.join(', ')} (sslmode one of ${SSL_MODES.join(', ')})`;

/** Parses a store URL; undefined if the text is none. */
export function parseStoreUrl(text: string): StoreUrl | undefined {
  if (/^sqlite:.+/s.test(text)) return { kind: 'sqlite', file: text.slice('sqlite:'.length) };
  return parsePostgresUrl(text);
}

/** Returns the text of a store URL with its passwords masked. */
export function maskStoreUrl(text: string): string {
  return text
    .replace(/^(postgres(?:ql)?:\/\/[^:/?#@]*):.*@/s, '$1:***@')
    .replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1***');
}

function parsePostgresUrl(text: string): PostgresUrl | undefined {
  const parts =
    /^postgres(?:ql)?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^/?#]*)(?:\/([^/?#]*))?(?:\?(.*))?$/s.exec(text);
  if (!parts) return undefined;
  const [, user, password, authority = '', database, query = ''] = parts;
  const parameters = new URLSearchParams(query);
  if ([...parameters.keys()].some((key) => !(PARAMETERS as readonly string[]).includes(key)))
    return undefined;
  const parameter = (name: (typeof PARAMETERS)[number]) => parameters.get(name) ?? undefined;
  const decode = (part: string | undefined) => (part ? decodeURIComponent(part) : undefined);
  const hosts = parseHosts(parameter('host') ?? authority);
  const sslMode = parameter('sslmode') ?? defaultMode(hosts ?? []);
  if (!hosts || !SSL_MODES.includes(sslMode)) return undefined;
  try {
    return {
      kind: 'postgres',
      hosts,
      database: decode(database),
      user: decode(user),
      password: decode(password),
      sslMode: sslMode as SslMode,
      sslrootcert: parameter('sslrootcert'),
      sslcert: parameter('sslcert'),
      sslkey: parameter('sslkey'),
      passfile: parameter('passfile'),
      options: parameter('options'),
    };
  } catch {
    // A percent sign that escapes nothing.
    return undefined;
  }
}

function parseHosts(text: string): PostgresUrl['hosts'] | undefined {
  const hosts = text.split(',').map((one) => {
    if (one.startsWith('/')) return { host: one, port: DEFAULT_PORT };
    const address = parseHostPort(/:\d+$/.test(one) ? one : `${one}:${DEFAULT_PORT}`);
    return address && address.host !== '' && address.port !== 0 ? address : undefined;
  });
  return hosts.every((one) => one !== undefined) ? hosts : undefined;
}

/** Returns `disable` if all servers run on this machine, else `verify-full`. */
function defaultMode(hosts: PostgresUrl['hosts']): SslMode {
  const isHere = hosts.every(({ host }) => host.startsWith('/') || isLoopback(host));
  return isHere ? 'disable' : 'verify-full';
}
