import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM, plainEnvironment, startService, temporaryDirectory } from './servers.mjs';
import { median } from './statistics.mjs';

const STARTS = 5;
const HELPS = 11;
const PAIRED_HELPS = 20;
const EXECUTABLE = fileURLToPath(new URL('../build/linkgrant', import.meta.url));

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

function timeOfHelp([command, ...words] = [process.execPath, PROGRAM]) {
  const start = performance.now();
  const { status, error } = spawnSync(command, [...words, '--help'], { env: plainEnvironment() });
  if (status !== 0) throw new Error(`--help of ${command} ended with ${status ?? error}`);
  return performance.now() - start;
}

function timeOfNode() {
  const start = performance.now();
  spawnSync(process.execPath, ['--eval', '0'], { env: plainEnvironment() });
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
    helpMs: median(Array.from({ length: HELPS }, () => timeOfHelp())),
    nodeMs: median(Array.from({ length: HELPS }, timeOfNode)),
  };
}

/** Medians of the times of `--help` of dist/main.js and of the executable, which run in turns, and their ratio. */
export function measureExecutable() {
  const built = [];
  const executable = [];
  for (let number = 0; number < PAIRED_HELPS; number++) {
    built.push(timeOfHelp());
    executable.push(timeOfHelp([EXECUTABLE]));
  }
  const [builtHelpMs, executableHelpMs] = [median(built), median(executable)];
  return { builtHelpMs, executableHelpMs, executableHelpRatio: executableHelpMs / builtHelpMs };
}
