import { describe } from 'vitest';
import { ENDPOINT, Workplace } from '../support/command-line.js';
import { readOperations } from '../support/operations.js';
import { childrenOf } from '../support/process-children.js';
import { releaseAfterFile } from '../support/release.js';
import { until } from '../support/until.js';
import { countsUsesExactly, IDENTITIES, serverCaOf } from './uses-at-once.js';

const work = releaseAfterFile(new Workplace());
const dataDir = work.path('data');
const place = ['--data-dir', dataDir];
const service = await work.serve([
  ...[...place, '--workers', '2', '--ops-listen', '127.0.0.1:0', '--log-level', 'error'],
  ...[...ENDPOINT, ...IDENTITIES],
]);
const isReady = async () => (await readOperations(service, '/readyz')).status === 200;
// With no worker alive, the port (chosen by the system) would be released: both serve before one is killed.
await until(isReady);

/** Kills the oldest worker. Resolves when both serve again. */
async function kill(): Promise<void> {
  const [doomed] = childrenOf(service.pid);
  process.kill(doomed as number, 'SIGKILL');
  await until(() => !childrenOf(service.pid).includes(doomed as number));
  await until(isReady);
}

describe('two workers with an SQLite store, one of which is killed', () => {
  countsUsesExactly({ ca: () => serverCaOf(dataDir), place, port: () => service.port, kill });
});
