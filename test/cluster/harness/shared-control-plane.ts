import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from './control-plane.js';

/** Environment variable: the path of a directory with a file for each shared control plane ({@link SharedControlPlane}). */
const DIRECTORY = 'LINKGRANT_TEST_CONTROL_PLANES';

interface SharedControlPlane {
  readonly kubeconfig: string;
  readonly home: string;
  readonly pids: readonly number[];
}

/** Lets test files share control planes until `stopSharedControlPlanes`. */
export function prepareSharedControlPlanes(): void {
  process.env[DIRECTORY] = mkdtempSync(join(tmpdir(), 'linkgrant-control-planes-'));
}

/**
 * Returns the kubeconfig of the control plane that the test files of this worker share, one after the other. The first file
 * starts it, which takes some seconds of CPU time. Returns undefined outside of the tests.
 */
export async function sharedControlPlane(programs: string): Promise<string | undefined> {
  const { [DIRECTORY]: directory, VITEST_POOL_ID: worker } = process.env;
  if (directory === undefined || worker === undefined) return undefined;
  const file = join(directory, worker);
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as SharedControlPlane).kubeconfig;
  const { kubeconfig, home, pids } = await startControlPlane(programs, { controllers: false });
  const shared: SharedControlPlane = { kubeconfig, home, pids: pids() };
  writeFileSync(file, JSON.stringify(shared));
  return kubeconfig;
}

/** Ends every shared control plane and removes its data. */
export function stopSharedControlPlanes(): void {
  const directory = process.env[DIRECTORY] ?? '';
  for (const name of readdirSync(directory)) {
    const { pids, home } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as SharedControlPlane;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // The process has already ended, for example after Ctrl-C.
      }
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  }
  rmSync(directory, { recursive: true });
}
