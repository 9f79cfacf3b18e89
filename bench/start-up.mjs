import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM, plainEnvironment, startService, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

const STARTS = 5;
const HELPS = 11;

/** Milliseconds from starting `serve` until it has answered a request. */
async function timeToAnswer(driver, directory) {
  const start = performance.now();
  const service = await startService(directory);
  try {
    const ca = readFileSync(join(directory, 'issuers/linkgrant-server-ca/tls.crt'), 'utf8');
    const requests = ['GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'];
    const { outcomes } = await driver.run({ port: service.port, ca, clients: 1, requests });
    if (outcomes['405'] !== 1) throw new Error(`unexpected responses: ${JSON.stringify(outcomes)}`);
    return performance.now() - start;
  } finally {
    await service.stop();
  }
}

/** Milliseconds that Node.js takes with these arguments. */
function timeOfNode(...words) {
  const start = performance.now();
  const { status, error } = spawnSync(process.execPath, words, { env: plainEnvironment() });
  if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status ?? error}`);
  return performance.now() - start;
}

/** Medians of the times to start: `serve` in a new data directory and in a used one, `--help`, and Node.js alone. */
export async function measureStartUp({ driver }) {
  const first = [];
  const later = [];
  for (let number = 0; number < STARTS; number++) {
    const { directory, remove } = temporaryDirectory();
    try {
      first.push(await timeToAnswer(driver, directory));
      later.push(await timeToAnswer(driver, directory));
    } finally {
      remove();
    }
  }
  return {
    firstServeMs: median(first),
    laterServeMs: median(later),
    helpMs: median(Array.from({ length: HELPS }, () => timeOfNode(PROGRAM, '--help'))),
    nodeMs: median(Array.from({ length: HELPS }, () => timeOfNode('--eval', '0'))),
  };
}
