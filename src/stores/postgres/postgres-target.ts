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

/** Where a PostgreSQL database is, and how it is reached. */
export interface PostgresTarget {
  /** Servers of which one is the primary. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  readonly user: string;
  /** Looked up for each connection, since it may be replaced; undefined where there is none. */
  password(host: PostgresHost): string | undefined;
  /** False for a connection that is not encrypted. */
  tls(host: PostgresHost): ConnectionOptions | false;
  /** Further settings of the session, in the words of libpq's `options`. */
  readonly options: string | undefined;
  /** How people are told of it: never with a password. */
  readonly shown: string;
}

/** A database as its URL and the environment name it. */
export interface NamedDatabase extends TlsSettings {
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** Path of a file with passwords, for where none is given. */
  readonly passfile: string | undefined;
  readonly options: string | undefined;
}

/** The place of a database that was named. */
export function postgresTarget(named: NamedDatabase): PostgresTarget {
  const { hosts, database, user, password, passfile, options } = named;
  const servers = hosts.map(formatHostPort);
  return {
    hosts,
    database,
    user,
    password: (host) =>
      password ??
      (passfile === undefined ? undefined : passwordInFile(passfile, { ...host, database, user })),
    tls: ({ host }) => tlsOptions(named, host),
    options,
    shown: `postgres://${servers.join(',')}/${database}`,
  };
}

/** How a connection is to be protected, in the words of libpq; files are PEM. */
export interface TlsSettings {
  readonly sslMode: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
}

/** What TLS needs to know for a connection to `host`, false for one without. Throws UnreadableFileError. */
export function tlsOptions(settings: TlsSettings, host: string): ConnectionOptions | false {
  const { sslMode, sslrootcert, sslcert, sslkey } = settings;
  // A socket of this machine needs no protection, and the server offers none there.
  if (sslMode === 'disable' || host.startsWith('/')) return false;
  const hasCa = sslrootcert !== undefined && sslrootcert !== 'system';
  const isVerified = sslMode !== 'require' || hasCa;
  return {
    ...(hasCa && { ca: readBoundedText(sslrootcert) }),
    ...(sslcert !== undefined && { cert: readBoundedText(sslcert) }),
    ...(sslkey !== undefined && { key: readBoundedText(sslkey) }),
    rejectUnauthorized: isVerified,
    ...(sslMode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    // The driver tells TLS no name for an address, which would then be compared with `localhost`.
    ...(sslMode === 'verify-full' &&
      isIP(host) !== 0 && {
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      }),
  };
}
