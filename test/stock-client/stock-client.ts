import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SOURCE = import.meta.dirname;
const BINARY = resolve(SOURCE, '../../.cache/stock-client');

/** How Skupper's clients read a response: `kubernetes` ends at a Link that cannot be decoded, `strict` fails. */
export const READERS = ['kubernetes', 'strict'] as const;

/** What the stock client prints. */
export interface StockReport {
  readonly attempts: number;
  readonly secretName?: string;
  readonly secretType?: string;
  readonly dataKeys?: readonly string[];
  readonly commonName?: string;
  readonly serial?: string;
  readonly links?: readonly {
    readonly name: string;
    readonly tlsCredentials: string;
    readonly cost: number;
    readonly endpoints: readonly Readonly<Record<'name' | 'host' | 'port' | 'group', string>>[];
  }[];
  readonly status?: number;
  readonly error?: string;
}

/** Arguments of one run; a header that is undefined is not sent. */
export interface StockRun {
  readonly token: string;
  readonly reader: (typeof READERS)[number];
  readonly name?: string;
  readonly subject?: string;
  readonly retry?: number;
  readonly interval?: string;
}

/** Compiles the Go program; throws with the compiler's output. */
export function buildStockClient(): void {
  mkdirSync(join(BINARY, '..'), { recursive: true });
  const { status, stderr, error } = spawnSync('go', ['build', '-o', BINARY, '.'], {
    cwd: SOURCE,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`go build: ${error?.message ?? stderr}`);
}

/** Runs the compiled program once; returns its report and exit code. */
export async function runStockClient(run: StockRun): Promise<StockReport & { readonly exitCode: number }> {
  const { token, ...rest } = run;
  const flags = Object.entries(rest).flatMap(([flag, value]) => [`-${flag}`, String(value)]);
  const child = spawn(BINARY, ['-token', token, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
  });
  const exitCode = await new Promise<number>((settle, reject) => {
    child.once('error', reject);
    child.once('close', (code) => settle(code ?? -1));
  });
  return { ...(JSON.parse(printed) as StockReport), exitCode };
}
