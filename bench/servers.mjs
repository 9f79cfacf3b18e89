import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeGrants } from './requests.mjs';

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));

const START_TIMEOUT_MS = 15_000;

/** Creates a temporary directory. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-bench-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** The environment without settings of the program and of Node.js. */
export function plainEnvironment() {
  const own = /^(LINKGRANT_|SKUPPER_|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** Resolves with the ports in the banner of `serve`. Rejects if the process ends or prints no port in time. */
function bannerPorts(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('serve did not start in time')), START_TIMEOUT_MS);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const portOf = (pattern) => Number(pattern.exec(text)?.[1]);
      const [port, opsPort] = [portOf(/on port (\d+)/), portOf(/metrics on port (\d+)/)];
      // The service writes the whole banner at once.
      if (port > 0) resolve({ port, opsPort, adminPort: portOf(/^Admin API on port (\d+)$/m) });
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`serve ended with ${code}`));
    });
  });
}

/** Starts `linkgrant serve` with its log in a file. Resolves with its pid and ports when it has printed them. */
export async function startServe(words, logFile, env = {}) {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--listen', '127.0.0.1:0', ...words], {
    stdio: ['ignore', 'pipe', log],
    env: { ...plainEnvironment(), ...env },
  });
  closeSync(log);
  const exited = once(child, 'exit');
  try {
    return {
      pid: child.pid,
      ...(await bannerPorts(child)),
      stop: async () => {
        child.kill('SIGTERM');
        await exited;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/**
 * Starts `linkgrant serve` on a data directory, with its log in a file there. Resolves when it has printed its ports.
 * `credentials` is the PEM of the server's certificate and key.
 */
export async function startService(dataDirectory, flags = [], env = {}) {
  const words = ['--data-dir', dataDirectory, '--ops-listen', 'off'];
  words.push('--endpoint', 'inter-router=router.bench.example.com:55671');
  words.push('--endpoint', 'edge=router.bench.example.com:45671');
  const service = await startServe([...words, ...flags], join(dataDirectory, 'serve.log'), env);
  return { ...service, credentials: readFileSync(join(dataDirectory, 'server.pem'), 'utf8') };
}

/** Starts a service with grants in a temporary directory, and calls `measure` with them. Then removes all of this. */
export async function withService(measure, flags = []) {
  const { directory, remove } = temporaryDirectory();
  const service = await startService(directory, flags);
  try {
    return await measure({ service, ...(await makeGrants(directory)) });
  } finally {
    await service.stop();
    remove();
  }
}

/** Parses an HTTP response in Latin-1: status, headers without the date, which every server adds, and body. */
function parseResponse(text) {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines
    .map((line) => line.split(': '))
    .filter(([name]) => name.toLowerCase() !== 'date')
    .map(([name, ...value]) => [name, value.join(': ')]);
  return { status: Number(statusLine.split(' ')[1]), headers: headers.flat(), body: text.slice(end + 4) };
}

/** Starts a bare HTTPS server that sends `response`, a complete HTTP response, to each request. */
export async function startBareServer(credentials, response) {
  const child = fork(fileURLToPath(new URL('./bare-server.mjs', import.meta.url)), { execArgv: [] });
  child.send({ credentials, ...parseResponse(response) });
  const [port] = await once(child, 'message');
  return {
    pid: child.pid,
    port,
    stop: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
