import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Where the tests' API server comes from: programs in a directory (given, or to be compiled), or a cluster that is there. */
export type ClusterSource =
  | { readonly from: 'assets' | 'build'; readonly directory: string }
  | { readonly from: 'cluster'; readonly kubeconfig: string };

const MODULE = resolve(import.meta.dirname, '../apiserver');
const VERSION = 'v1.34.4';
const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
};

/**
 * `KUBEBUILDER_ASSETS` names a directory with the programs, `LINKGRANT_TEST_KUBECONFIG` the kubeconfig of a cluster that
 * is there for tests alone; without either they are compiled, which takes Go. Throws where none of this can be had.
 */
export function clusterSource(env: NodeJS.ProcessEnv): ClusterSource {
  const { KUBEBUILDER_ASSETS: assets, LINKGRANT_TEST_KUBECONFIG: kubeconfig } = env;
  if (assets) {
    for (const program of ['etcd', 'kube-apiserver']) {
      if (!existsSync(join(assets, program))) {
        throw new Error(`KUBEBUILDER_ASSETS is ${assets}, and there is no ${program} in it`);
      }
    }
    return { from: 'assets', directory: assets };
  }
  if (kubeconfig) return { from: 'cluster', kubeconfig };
  const go = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', cwd: MODULE });
  if (go.status !== 0) {
    throw new Error(
      'the tests need an API server: set KUBEBUILDER_ASSETS to a directory with etcd and kube-apiserver, or ' +
        'LINKGRANT_TEST_KUBECONFIG to the kubeconfig of a cluster for tests alone, or install Go to compile them',
    );
  }
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const key = createHash('sha256').update(go.stdout.trim());
  for (const file of ['go.mod', 'go.sum']) key.update(readFileSync(join(MODULE, file)));
  return {
    from: 'build',
    directory: join(cache, 'linkgrant-test', `apiserver-${key.digest('hex').slice(0, 16)}`),
  };
}

/** Compiles the programs into the source's directory unless they are there: minutes at first. */
export async function buildPrograms({ directory }: { readonly directory: string }): Promise<void> {
  if (existsSync(directory)) return;
  mkdirSync(dirname(directory), { recursive: true });
  const building = mkdtempSync(`${directory}.`);
  try {
    for (const [program, goPackage] of Object.entries(PACKAGES)) {
      console.log(`compiling ${program} for the tests, once; together this takes some minutes`);
      // The version is what the API server tells, and what it judges feature gates by.
      const flags = `-s -w -X k8s.io/component-base/version.gitVersion=${VERSION}`;
      await run('go', ['build', '-trimpath', '-ldflags', flags, '-o', join(building, program), goPackage]);
    }
    renameSync(building, directory);
  } catch (error) {
    // Another run was faster.
    if (!existsSync(directory)) throw error;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((settle, reject) => {
    const child = spawn(command, args, {
      cwd: MODULE,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: `${process.env.GOFLAGS ?? ''} -p=2`.trim() },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? settle() : reject(new Error(`${command} ${args.at(-1)} ended with ${code}`)),
    );
  });
}
