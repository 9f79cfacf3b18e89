import type { ConnectionOptions } from 'node:tls';

/** Where a PostgreSQL database is, and how it is reached. */
export interface PostgresPlace {
  /** Servers of which one is the primary; a host that begins with `/` is the directory of a socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
  readonly user: string;
  /** Looked up for each connection, since it may be replaced; undefined where the server wants none. */
  readonly password: (host: string, port: number) => string | undefined;
  /** False for a connection that is not encrypted. */
  readonly tls: ConnectionOptions | false;
  /** What the server shows of this program. */
  readonly applicationName: string;
  /** Further settings of the session, in the words of libpq's `options`. */
  readonly options: string | undefined;
  /** How people are told of it: never with a password. */
  readonly shown: string;
}
