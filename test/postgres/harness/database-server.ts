import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresTarget } from '../../../src/stores/postgres/postgres-target.js';
import { until } from '../../cluster/harness/until.js';
import { freePort } from '../../support/free-port.js';
import { makeServerDirectory, runPostgresProgram } from './postgres-programs.js';

/** Who administers the servers. */
const ADMINISTRATOR = 'postgres';
/** Who owns the database of the service: no administrator. */
const OWNER = 'linkgrant';
/** The password of both. */
export const PASSWORD = 'of the test';
const DATABASE = 'grants';
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=100'];

type Row = Readonly<Record<string, unknown>>;

/** A server of Debian's PostgreSQL on a port of 127.0.0.1 that keeps it, in a directory that goes with `remove`. */
export class DatabaseServer {
  readonly port: number;
  readonly #directory: string;

  private constructor(port: number, directory: string) {
    this.port = port;
    this.#directory = directory;
  }

  /** Makes a server that has an empty database for the service, and starts it. */
  static async create(): Promise<DatabaseServer> {
    const server = await DatabaseServer.#unmade();
    const passwordFile = `${server.#directory}-password`;
    writeFileSync(passwordFile, PASSWORD);
    // Its directory alone belongs to the servers' user.
    chmodSync(passwordFile, 0o644);
    const access = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, `--username=${ADMINISTRATOR}`];
    try {
      runPostgresProgram('initdb', ['-D', server.#data, '--no-sync', '--locale=C.UTF-8', ...access]);
    } finally {
      rmSync(passwordFile);
    }
    server.start();
    await server.sql(`CREATE ROLE ${OWNER} LOGIN PASSWORD '${PASSWORD}'`, 'postgres');
    await server.sql(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`, 'postgres');
    return server;
  }

  static async #unmade(): Promise<DatabaseServer> {
    const port = await freePort();
    return new DatabaseServer(port, makeServerDirectory());
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  /** The service's database, as `--store` takes it and without the password. */
  get url(): string {
    return `postgres://${OWNER}@127.0.0.1:${this.port}/${DATABASE}`;
  }

  /** The same for a store in this process. */
  get place(): PostgresTarget {
    const { port } = this;
    return {
      hosts: [{ host: '127.0.0.1', port }],
      database: DATABASE,
      user: OWNER,
      password: () => PASSWORD,
      tls: () => false,
      options: undefined,
      shown: this.url,
    };
  }

  /** The same as PostgreSQL's programs take it. */
  get connection(): string {
    return `host=127.0.0.1 port=${this.port} user=${OWNER} dbname=${DATABASE}`;
  }

  /** Where a file can be put that goes with the server. */
  path(name: string): string {
    return join(this.#directory, name);
  }

  start(): void {
    const settings = [`port=${this.port}`, ...SETTINGS].map((setting) => `-c ${setting}`).join(' ');
    const log = join(this.#directory, 'log');
    runPostgresProgram('pg_ctl', ['start', '-w', '-t', '60', '-D', this.#data, '-l', log, '-o', settings]);
  }

  /** Ends it in an orderly way. */
  stop(): void {
    runPostgresProgram('pg_ctl', ['stop', '-w', '-t', '60', '-m', 'fast', '-D', this.#data]);
  }

  /** Ends its first process at once; the others see that, and end too. Resolves when nobody is let in any more. */
  async kill(): Promise<void> {
    process.kill(this.#pid, 'SIGKILL');
    await until('the server is gone', async () => {
      const isThere = await this.sql('SELECT 1').then(
        () => true,
        () => false,
      );
      return !isThere;
    });
  }

  get #pid(): number {
    return Number(readFileSync(join(this.#data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  }

  /** Makes a stand-by, which follows this server from now on, and starts it. */
  async createStandby(): Promise<DatabaseServer> {
    const standby = await this.createCopy('-R');
    standby.start();
    await until('the stand-by follows', async () => {
      const [follows] = await this.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'");
      return follows;
    });
    return standby;
  }

  /** Makes a server of what this one has now (`pg_basebackup`), and leaves it stopped. */
  async createCopy(...words: readonly string[]): Promise<DatabaseServer> {
    const copy = await DatabaseServer.#unmade();
    const from = `host=127.0.0.1 port=${this.port} user=${ADMINISTRATOR}`;
    const how = ['-X', 'stream', '-c', 'fast', '--no-sync', ...words];
    runPostgresProgram('pg_basebackup', ['-D', copy.#data, '-d', from, ...how], PASSWORD);
    return copy;
  }

  /** Makes a stand-by the primary. */
  promote(): void {
    runPostgresProgram('pg_ctl', ['promote', '-w', '-t', '60', '-D', this.#data]);
  }

  /** Changes settings of the server that need no restart. */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(settings))
      await this.sql(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.sql('SELECT pg_reload_conf()');
  }

  /** Runs a statement as the administrator. */
  async sql(text: string, database = DATABASE): Promise<readonly Row[]> {
    const { port } = this;
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      database,
      user: ADMINISTRATOR,
      password: PASSWORD,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Ends it, if it runs, and removes what it kept. */
  remove(): void {
    try {
      runPostgresProgram('pg_ctl', ['stop', '-w', '-t', '60', '-m', 'immediate', '-D', this.#data]);
    } catch {
      // It does not run.
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
