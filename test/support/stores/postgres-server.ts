import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { PostgresTarget } from '../../../src/stores/postgres/postgres-target.js';

/** The address of the run's PostgreSQL server, and the name and password of its administrator. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The CA of its certificate, which is for `localhost` and 127.0.0.1 (PEM); undefined where it offers no TLS. */
  readonly ca?: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: PostgresServer;
  }
}

/** A database of the run's server that one test has to itself. */
export interface TestDatabase {
  /** The value of `--store`, without the password. */
  readonly url: string;
  readonly password: string;
  /** The connection target for a store in this process. */
  readonly place: PostgresTarget;
  /** Runs one statement as the administrator, and returns its rows. Several statements return nothing. */
  sql(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Drops the database, and closes the connections to it. */
  remove(): Promise<void>;
}

/** Runs one statement as the user of `server`, and returns its rows. Several statements return nothing. */
export async function runStatement(
  server: PostgresServer,
  database: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const { host, port, user, password } = server;
  const client = new pg.Client({ host, port, user, password, database });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query(text, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}

/** The connection target for a store in this process. */
export function postgresTarget(server: PostgresServer, database: string): PostgresTarget {
  const { host, port, user, password } = server;
  return {
    hosts: [{ host, port }],
    database,
    user,
    password: () => password,
    tls: () => false,
    options: undefined,
    displayUrl: `postgres://${host}:${port}/${database}`,
  };
}

/** Creates an empty database on the run's server. The file's vitest project must have `postgres-global-setup.ts`. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabaseOn(inject('postgres'));
}

/** Makes an empty database on a server. */
export async function createDatabaseOn(server: PostgresServer): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runStatement(server, 'postgres', `CREATE DATABASE ${name}`);
  const { host, port, user, password } = server;
  return {
    url: `postgres://${user}@${host}:${port}/${name}`,
    password,
    place: postgresTarget(server, name),
    sql: (text, values) => runStatement(server, name, text, values),
    async remove() {
      await runStatement(server, 'postgres', `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
