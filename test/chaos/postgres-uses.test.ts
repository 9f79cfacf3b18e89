import { describe } from 'vitest';
import { addHost } from '../support/accepting-site.js';
import { ENDPOINT, type Serving, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { createTestDatabase } from '../support/stores/postgres-server.js';
import { countsUsesExactly, IDENTITIES, serverCaOf } from './uses-at-once.js';

const database = releaseAfterFile(await createTestDatabase());
// The services end before their database is removed: the latest resource is released first.
const work = releaseAfterFile(new Workplace());
const env = { PGPASSWORD: database.password };
const placeOf = (host: number) => ['--data-dir', work.path(`host-${host}`), '--store', database.url];
const services: Serving[] = [];

/** Starts or restarts the service of one of two hosts. */
async function startHost(host: number): Promise<void> {
  const published = ['--external-url', 'https://grants.example.com', '--host', '127.0.0.1', ...ENDPOINT];
  const flags = [...published, ...IDENTITIES, '--log-level', 'error'];
  services[host] = await work.serve([...placeOf(host), ...flags], { env });
}

await startHost(0);
addHost(work.path('host-0'), work.path('host-1'));
await startHost(1);

/** Kills the second service, and starts it again. */
async function kill(): Promise<void> {
  services[1]?.signal('SIGKILL');
  await services[1]?.ended;
  await startHost(1);
}

let requests = 0;
/** The services receive every other request each. */
function port(): number {
  requests += 1;
  return services[requests % services.length]?.port ?? 0;
}

describe('two services with a PostgreSQL store, one of which is killed', () => {
  countsUsesExactly({ ca: () => serverCaOf(work.path('host-0')), place: placeOf(0), env, port, kill });
});
