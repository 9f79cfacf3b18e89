import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresTarget } from '../../../src/stores/postgres/postgres-target.js';
import { freePort } from '../../support/free-port.js';
import { retryUntil } from '../../support/retry-until.js';
import { type PostgresServer, postgresTarget, runStatement } from '../../support/stores/postgres-server.js';
import { makeServerDirectory, runPostgresProgram } from './postgres-programs.js';

/** Superuser of the servers. */
const ADMINISTRATOR = 'postgres';
/** Owner of the service's database; no superuser. */
const OWNER = 'linkgrant';
/** Password of both users. */
export const PASSWORD = 'of the test';
const DATABASE = 'grants';
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=100'];

/** A PostgreSQL server on a fixed port of 127.0.0.1, with a directory that `remove` deletes. */
export class DatabaseServer {
  readonly port: number;
  readonly #directory: string;

  private constructor(port: number, directory: string) {
    this.port = port;
    this.#directory = directory;
  }

  /** Creates and starts a server with an empty database for the service. */
  static async create(): Promise<DatabaseServer> {
    const server = await DatabaseServer.#allocate();
    const passwordFile = `${server.#directory}-password`;
    writeFileSync(passwordFile, PASSWORD);
    // The user of the servers must be able to read it.
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

  static async #allocate(): Promise<DatabaseServer> {
    const port = await freePort();
    return new DatabaseServer(port, makeServerDirectory());
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  /** URL of the service's database for `--store`, without the password. */
  get url(): string {
    return `postgres://${OWNER}@127.0.0.1:${this.port}/${DATABASE}`;
  }

  /** The service's database for a store in this process. */
  get target(): PostgresTarget {
    return postgresTarget(this.#as(OWNER), DATABASE);
  }

  #as(user: string): PostgresServer {
    return { host: '127.0.0.1', port: this.port, user, password: PASSWORD };
  }

  /** The service's database as a libpq connection string. */
  get connection(): string {
    return `host=127.0.0.1 port=${this.port} user=${OWNER} dbname=${DATABASE}`;
  }

  /** Path of a file in the server's directory. */
  path(name: string): string {
    return join(this.#directory, name);
  }

  start(): void {
    const settings = [`port=${this.port}`, ...SETTINGS].map((setting) => `-c ${setting}`).join(' ');
    const log = join(this.#directory, 'log');
    runPostgresProgram('pg_ctl', ['start', '-w', '-t', '60', '-D', this.#data, '-l', log, '-o', settings]);
  }

  /** Stops the server; its data remains. */
  stop(): void {
    runPostgresProgram('pg_ctl', ['stop', '-w', '-t', '60', '-m', 'fast', '-D', this.#data]);
  }

  /** Kills the postmaster; the other processes end by themselves. Resolves when connections are refused. */
  async kill(): Promise<void> {
    process.kill(this.#pid, 'SIGKILL');
    await retryUntil('the server is gone', async () => {
      const isUp = await this.sql('SELECT 1').then(
        () => true,
        () => false,
      );
      return !isUp;
    });
  }

  get #pid(): number {
    return Number(readFileSync(join(this.#data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  }

  /** Creates and starts a standby of this server. */
  async createStandby(): Promise<DatabaseServer> {
    const standby = await this.createCopy('-R');
    standby.start();
    await retryUntil('the standby streams', async () => {
      const [follows] = await this.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'");
      return follows;
    });
    return standby;
  }

  /** Copies this server with `pg_basebackup`; the copy is not started. */
  async createCopy(...words: readonly string[]): Promise<DatabaseServer> {
    const copy = await DatabaseServer.#allocate();
    const from = `host=127.0.0.1 port=${this.port} user=${ADMINISTRATOR}`;
    const how = ['-X', 'stream', '-c', 'fast', '--no-sync', ...words];
    runPostgresProgram('pg_basebackup', ['-D', copy.#data, '-d', from, ...how], PASSWORD);
    return copy;
  }

  /** Promotes this standby to a primary. */
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
  sql(text: string, database = DATABASE): ReturnType<typeof runStatement> {
    return runStatement(this.#as(ADMINISTRATOR), database, text);
  }

  /** Stops the server if it runs, and deletes its directory. */
  remove(): void {
    try {
      runPostgresProgram('pg_ctl', ['stop', '-w', '-t', '60', '-m', 'immediate', '-D', this.#data]);
    } catch {
      // The server does not run.
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
