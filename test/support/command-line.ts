import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { runCommandLine } from '../../src/cli/run.js';
import type { MemoryCgroup } from './memory-cgroup.js';
import { refuseSecrets } from './no-secret.js';
import { MAIN, programWords } from './programs.js';

const { PATH = '', NODE_COMPILE_CACHE } = process.env;
// A directory that never exists: commands without `--data-dir` find no store, although this machine may have one in the default
// directory.
const NO_HOME = join(tmpdir(), 'linkgrant-no-home');
/** The environment of a started program. Of the variables of this machine it has only PATH and Node's compile cache. */
const BARE_ENVIRONMENT = {
  PATH,
  HOME: NO_HOME,
  LINKGRANT_DATA_DIR: join(NO_HOME, 'data'),
  LINKGRANT_SKUPPER_HOME: join(NO_HOME, 'skupper'),
  ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }),
};

// Capabilities are dropped instead of changing the user: another user could not read a checkout in root's home.
const DROP_CAPABILITIES = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];

/** Flags of a service whose links lead to a router that no test starts. */
export const ENDPOINT = ['--endpoint', 'inter-router=router.example.com:55671'] as const;

/** How a command runs: its input, environment and clock, and the options that require a process of its own. */
export interface RunOptions extends ProcessOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How far the clock is ahead, for a command that runs in this process. */
  readonly clockOffsetMs?: number;
  /** The name of the program's file, for a command that runs in this process. */
  readonly name?: string;
}

/** Options that require a process of its own. */
interface ProcessOptions {
  /** Leaves standard input open until the program has ended. */
  readonly holdsInput?: boolean;
  readonly cwd?: string;
  /** The program in place of `dist/main.js`; a list adds its first arguments. */
  readonly main?: string | readonly string[];
  /** An executable that runs in place of Node with `main`. */
  readonly executable?: string;
  /** Makes file permissions apply to root too, where the tests run as root. */
  readonly obeysPermissions?: boolean;
  /** The memory cgroup that the program runs in from its start. */
  readonly cgroup?: Pick<MemoryCgroup, 'procsFile'>;
}

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(words: readonly string[], options: RunOptions): ChildProcess {
  const { env = {}, cwd, main = MAIN, executable, obeysPermissions = false, cgroup } = options;
  const dropsCapabilities = obeysPermissions && process.getuid?.() === 0;
  const joinCgroup = cgroup ? ['sh', '-c', 'echo $$ > "$0" && exec "$@"', cgroup.procsFile] : [];
  const [file = '', ...first] = [main].flat();
  const program = executable === undefined ? [...programWords(file), ...first] : [executable];
  const [command = '', ...rest] = [
    ...joinCgroup,
    ...(dropsCapabilities ? DROP_CAPABILITIES : []),
    ...program,
    ...words,
  ];
  return spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...BARE_ENVIRONMENT, ...env },
    ...(cwd !== undefined && { cwd }),
  });
}

/** How a process ended; `code` is null if a signal ended it. */
export interface EndedProcess extends Ended {
  readonly signal: NodeJS.Signals | null;
}

/** A command that runs as a process of its own. */
export interface Running {
  readonly child: ChildProcess;
  /** What the command has written so far. */
  readonly said: { readonly stdout: string; readonly stderr: string };
  /** Resolves when the process has ended. */
  readonly ended: Promise<EndedProcess>;
}

/** Starts the built program as a process of its own. */
export function startLinkgrant(words: readonly string[], options: RunOptions = {}): Running {
  const child = start(words, options);
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  // A command that refuses its flags does not read its standard input.
  child.stdin?.on('error', () => undefined);
  if (!options.holdsInput) child.stdin?.end(options.input ?? '');
  const ended = once(child, 'close').then(([code, signal]) => {
    refuseSecrets(said.stderr);
    return { code, signal, ...said };
  });
  return { child, said, ended };
}

/**
 * Runs a command in this process, from the sources. Runs it as a process of its own if an option requires one, and for `serve`,
 * which listens for signals.
 */
export async function linkgrant(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { input, env, clockOffsetMs, name, ...processOptions } = options;
  if (words[0] === 'serve' || Object.values(processOptions).some((value) => value !== undefined)) {
    return linkgrantProcess(words, options);
  }
  return linkgrantInProcess(words, options);
}

/** Runs a command in this process, from the sources. */
export async function linkgrantInProcess(
  words: readonly string[],
  {
    input = '',
    env = {},
    clockOffsetMs = 0,
    name = 'linkgrant',
  }: Pick<RunOptions, 'input' | 'env' | 'clockOffsetMs' | 'name'>,
): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const streamTo = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written[name] += chunk;
        done();
      },
    });
  const code = await runCommandLine(['node', `/usr/local/bin/${name}`, ...words], {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    stdout: streamTo('stdout'),
    stderr: streamTo('stderr'),
    env: { ...BARE_ENVIRONMENT, ...env },
    clock: () => Date.now() + clockOffsetMs,
    checkpoint: () => undefined,
  });
  refuseSecrets(written.stderr);
  return { code, ...written };
}

/** Runs the built program as a process of its own, to its end. */
export async function linkgrantProcess(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { code, stdout, stderr } = await startLinkgrant(words, options).ended;
  return { code, stdout, stderr };
}

/** A service in a process of its own. */
export interface Serving {
  readonly pid: number;
  /** Base URL of tokens. */
  readonly url: string;
  readonly port: number;
  /** Port of health and metrics; NaN when that is off. */
  readonly opsPort: number;
  /** Port of the admin API; NaN when that is off. */
  readonly adminPort: number;
  /** SHA-256 fingerprint of its CA as OpenSSL writes it. */
  readonly fingerprint: string;
  /** What it wrote so far. */
  readonly said: { readonly stdout: string; readonly stderr: string };
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it with SIGTERM; resolves with how it ended. */
  stop(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts `serve` with these words. Resolves once it has printed that it serves or that it redeems AccessTokens. */
export async function startUntilReady(
  words: readonly string[],
  options: RunOptions = {},
): Promise<Pick<Serving, 'said' | 'ended'> & { readonly child: ChildProcess }> {
  const { child, said, ...running } = startLinkgrant(['serve', ...words], options);
  const ended = running.ended.then(({ code, signal }) => {
    refuseSecrets(said.stdout);
    return { code, signal };
  });
  await new Promise<void>((settle, reject) => {
    child.stdout?.on('data', () => /^(Next:|No link)/m.test(said.stdout) && settle());
    ended.then(({ code }) => reject(new Error(`serve ended with ${code}: ${said.stderr}`)), reject);
  });
  return { child, said, ended };
}

/** Starts `serve` on a free port of 127.0.0.1 unless the words say otherwise; resolves once it has printed that it serves. */
export async function startServe(words: readonly string[], options: RunOptions = {}): Promise<Serving> {
  const isGiven = (flag: string) => words.includes(flag);
  const defaults = [
    ...(isGiven('--listen') ? [] : ['--listen', '127.0.0.1:0']),
    ...(isGiven('--ops-listen') ? [] : ['--ops-listen', 'off']),
  ];
  const { child, said, ended } = await startUntilReady([...defaults, ...words], options);
  const [, url = '', port, opsPort] =
    /^Serving (?:(\S+) )?on port (\d+)(?:, health and metrics on port (\d+))?$/m.exec(said.stdout) ?? [];
  return {
    pid: child.pid as number,
    url,
    port: Number(port),
    opsPort: Number(opsPort),
    adminPort: Number(/^Admin API on port (\d+)$/m.exec(said.stdout)?.[1]),
    fingerprint: /^CA SHA-256 fingerprint (\S+)$/m.exec(said.stdout)?.[1] ?? '',
    said,
    ended,
    signal: (signal) => void child.kill(signal),
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** A temporary directory, and services that `remove` stops before it deletes the directory. */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'linkgrant-cli-'));
  readonly #services: Serving[] = [];

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  async serve(words: readonly string[], options: RunOptions = {}): Promise<Serving> {
    const serving = await startServe(words, options);
    this.#services.push(serving);
    return serving;
  }

  /** Starts a service, and stops it when it serves. Returns it. */
  async serveOnce(words: readonly string[], options: RunOptions = {}): Promise<Serving> {
    const serving = await this.serve(words, options);
    await serving.stop();
    return serving;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The two lines that every refusal has on standard error; fails on anything else. */
export function refusalOf({ stderr }: Ended): { readonly error: string; readonly hint: string } {
  const lines = /^error: ([^\n]+)\nhint: ([^\n]+)\n$/.exec(stderr);
  if (!lines)
    throw new Error(`standard error is not one error line and one hint line: ${JSON.stringify(stderr)}`);
  return { error: lines[1] as string, hint: lines[2] as string };
}

/** The exit code, standard output, error and hint of a refused command. */
export const refusedResult = (ended: Ended) => ({
  code: ended.code,
  stdout: ended.stdout,
  ...refusalOf(ended),
});

/** Fails unless the command exited with 0. Returns what it was passed. */
export function expectSuccess<T extends Ended>(ended: T): T {
  expectCode(ended, 0);
  return ended;
}

/** Fails unless the command exited with `code`, and wrote nothing but a refusal to standard error. Returns the refusal. */
export function expectRefusal(ended: Ended, code: number): ReturnType<typeof refusalOf> {
  expectCode(ended, code);
  return refusalOf(ended);
}

/** Fails with the exit code or the signal, and with standard error, unless the command exited with `expected`. */
function expectCode({ code, signal, stderr }: Ended & Partial<EndedProcess>, expected: number): void {
  if (code !== expected) throw new Error(`ended with ${signal ?? `exit code ${code}`}: ${stderr}`);
}

/** What a command reported with `-o json`. */
// biome-ignore lint/suspicious/noExplicitAny: reports of many shapes.
export function json(ended: Ended): any {
  return JSON.parse(ended.stdout);
}
