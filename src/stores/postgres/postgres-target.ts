import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { formatHostPort } from '../../domain/host-port-text.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { passwordInFile } from './password-file.js';

/** A server of a database; a host that begins with `/` is the directory of a socket. */
export interface PostgresHost {
  readonly host: string;
  readonly port: number;
}

/** The servers of a PostgreSQL database, and how to connect to them. */
export interface PostgresTarget {
  /** The servers, of which one is the primary. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  readonly user: string;
  /** Returns the password; undefined if there is none. A password file is read at each call, because it may change. */
  password(host: PostgresHost): string | undefined;
  /** Returns the TLS options, false for a connection without TLS. */
  tls(host: PostgresHost): ConnectionOptions | false;
  /** Further session settings, in the syntax of libpq's `options`. */
  readonly options: string | undefined;
  /** The URL for messages, without a password. */
  readonly displayUrl: string;
}

/** The settings of a database from its URL and the environment. */
export interface PostgresSettings extends TlsSettings {
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** Path of a password file, used if there is no password. */
  readonly passfile: string | undefined;
  readonly options: string | undefined;
}

/** Resolves the settings of a database to a target. */
export function postgresTarget(settings: PostgresSettings): PostgresTarget {
  const { hosts, database, user, password, passfile, options } = settings;
  const servers = hosts.map(formatHostPort);
  return {
    hosts,
    database,
    user,
    password: (host) =>
      password ??
      (passfile === undefined ? undefined : passwordInFile(passfile, { ...host, database, user })),
    tls: ({ host }) => tlsOptions(settings, host),
    options,
    displayUrl: `postgres://${servers.join(',')}/${database}`,
  };
}

/** TLS settings with the names of libpq; files are PEM. */
export interface TlsSettings {
  readonly sslMode: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
}

/** Returns the TLS options for a connection to `host`, false for a connection without TLS. Throws UnreadableFileError. */
export function tlsOptions(settings: TlsSettings, host: string): ConnectionOptions | false {
  const { sslMode, sslrootcert, sslcert, sslkey } = settings;
  // A Unix socket is local, and the server offers no TLS on it.
  if (sslMode === 'disable' || host.startsWith('/')) return false;
  const hasCa = sslrootcert !== undefined && sslrootcert !== 'system';
  const isVerified = sslMode !== 'require' || hasCa;
  return {
    ...(hasCa && { ca: readBoundedText(sslrootcert) }),
    ...(sslcert !== undefined && { cert: readBoundedText(sslcert) }),
    ...(sslkey !== undefined && { key: readBoundedText(sslkey) }),
    rejectUnauthorized: isVerified,
    ...(sslMode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    // For an IP address the driver passes no server name, and Node would compare the certificate with `localhost`.
    ...(sslMode === 'verify-full' &&
      isIP(host) !== 0 && {
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      }),
  };
}
