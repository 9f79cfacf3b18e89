import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));

const START_TIMEOUT_MS = 15_000;

/** A temporary directory, and what removes it. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-bench-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** The environment without settings of the program, which would change what is measured. */
export function plainEnvironment() {
  const own = /^(LINKGRANT_|SKUPPER_|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** Resolves with the ports that the program's banner names; rejects when it ends or says nothing in time. */
export function bannerPorts(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('serve did not start in time')), START_TIMEOUT_MS);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const port = /on port (\d+)/.exec(text)?.[1];
      const adminPort = Number(/^Admin API on port (\d+)$/m.exec(text)?.[1]);
      if (port !== undefined) resolve({ port: Number(port), adminPort });
    });
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)));
    child.once('spawn', () => child.once('exit', () => clearTimeout(timer)));
  });
}

/**
 * Starts `linkgrant serve` on a data directory, its log in a file there. Resolves once it says that it serves.
 * `adminPort` is that of its admin API, `credentials` PEM of the server's certificate and key.
 */
export async function startService(dataDirectory, flags = [], env = {}) {
  const log = openSync(join(dataDirectory, 'serve.log'), 'a', 0o600);
  const args = ['serve', '--data-dir', dataDirectory, '--listen', '127.0.0.1:0', '--ops-listen', 'off'];
  for (const [role, port] of [
    ['inter-router', 55671],
    ['edge', 45671],
  ]) {
    args.push('--endpoint', `${role}=router.bench.example.com:${port}`);
  }
  const child = spawn(process.execPath, [PROGRAM, ...args, ...flags], {
    stdio: ['ignore', 'pipe', log],
    env: { ...plainEnvironment(), ...env },
  });
  closeSync(log);
  const exited = once(child, 'exit');
  try {
    const ports = await bannerPorts(child);
    return {
      pid: child.pid,
      ...ports,
      credentials: readFileSync(join(dataDirectory, 'server.pem'), 'utf8'),
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

const HOP_BY_NODE = new Set(['date']);

/** Takes an HTTP answer apart: status, header lines less the date (every server adds its own), body; Latin-1 text. */
function parseAnswer(text) {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines
    .map((line) => line.split(': '))
    .filter(([name]) => !HOP_BY_NODE.has(name.toLowerCase()))
    .map(([name, ...value]) => [name, value.join(': ')]);
  return { status: Number(statusLine.split(' ')[1]), headers: headers.flat(), body: text.slice(end + 4) };
}

/** Starts a bare HTTPS server that answers everything with `answer`, the text of a whole HTTP answer. */
export async function startBareServer(credentials, answer) {
  const child = fork(fileURLToPath(new URL('./bare-server.mjs', import.meta.url)), { execArgv: [] });
  child.send({ credentials, ...parseAnswer(answer) });
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
