import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type GoPrograms, programsDirectory } from './go-programs.js';

/** Source of the tests' API server: provided programs, programs to be compiled, or an external cluster. */
export type ClusterSource =
  | { readonly from: 'assets' | 'build'; readonly directory: string }
  | { readonly from: 'cluster'; readonly kubeconfig: string };

/** The programs of a control plane. */
export const CONTROL_PLANE: GoPrograms = {
  module: resolve(import.meta.dirname, '../apiserver'),
  name: 'apiserver',
  packages: {
    etcd: 'go.etcd.io/etcd/server/v3',
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  },
  // The API server reports this version, and derives its feature gates from it.
  linking: '-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4',
};

/**
 * `KUBEBUILDER_ASSETS` names a directory with the programs, `LINKGRANT_TEST_KUBECONFIG` the kubeconfig of a cluster that
 * only tests use. If neither is set, the programs are compiled with Go. Throws if the directory lacks etcd or
 * kube-apiserver, or if Go is required and not installed. Tests of controllers also need kube-controller-manager.
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
  const directory = programsDirectory(CONTROL_PLANE, env);
  if (directory === undefined) {
    throw new Error(
      'the tests need an API server: set KUBEBUILDER_ASSETS to a directory with etcd and kube-apiserver, or ' +
        'LINKGRANT_TEST_KUBECONFIG to the kubeconfig of a cluster that only tests use, or install Go to compile them',
    );
  }
  return { from: 'build', directory };
}
