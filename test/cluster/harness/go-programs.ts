import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Programs that are compiled from one Go module. */
export interface GoPrograms {
  /** Directory of the module. */
  readonly module: string;
  /** Name of the directory in the cache, without the hash of its version. */
  readonly name: string;
  /** The Go package of each program. */
  readonly packages: Readonly<Record<string, string>>;
  /** Flags of the linker. */
  readonly linking: string;
}

/** The cache directory of the programs, one for each version of Go, go.mod and go.sum; undefined if Go is not installed. */
export function programsDirectory({ module, name }: GoPrograms, env: NodeJS.ProcessEnv): string | undefined {
  const go = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', cwd: module });
  if (go.status !== 0) return undefined;
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const key = createHash('sha256').update(go.stdout.trim());
  for (const file of ['go.mod', 'go.sum']) key.update(readFileSync(join(module, file)));
  return join(cache, 'linkgrant-test', `${name}-${key.digest('hex').slice(0, 16)}`);
}

/** Compiles the programs into the directory unless it exists. This takes some minutes. */
export async function buildPrograms(
  { module, packages, linking }: GoPrograms,
  directory: string,
): Promise<void> {
  if (existsSync(directory)) return;
  mkdirSync(dirname(directory), { recursive: true });
  const building = mkdtempSync(`${directory}.`);
  try {
    for (const [program, goPackage] of Object.entries(packages)) {
      console.log(`compiling ${program} for the tests, once; this takes some minutes`);
      const args = ['build', '-trimpath', '-ldflags', linking, '-o', join(building, program), goPackage];
      await go(args, module);
    }
    renameSync(building, directory);
  } catch (error) {
    // Another run was faster.
    if (!existsSync(directory)) throw error;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

function go(args: readonly string[], cwd: string): Promise<void> {
  return new Promise((settle, reject) => {
    const child = spawn('go', args, {
      cwd,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: `${process.env.GOFLAGS ?? ''} -p=2`.trim() },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? settle() : reject(new Error(`go build ${args.at(-1)} ended with ${code}`)),
    );
  });
}
