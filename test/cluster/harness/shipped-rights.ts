import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Right, rightsIn } from './access-review.js';
import type { DeployTools } from './deploy-tools.js';
import { kubeconfigOf, serverOf } from './kubeconfig.js';
import type { TestCluster } from './test-cluster.js';

/** What service accounts of applied manifests may do. */
export class ShippedRights {
  readonly #cluster: TestCluster;
  readonly #tools: DeployTools;
  readonly #scratch: string;

  /** Kubeconfigs are written into the directory `scratch`. */
  constructor(cluster: TestCluster, tools: DeployTools, scratch: string) {
    this.#cluster = cluster;
    this.#tools = tools;
    this.#scratch = scratch;
  }

  /** Path of a kubeconfig of a service account. */
  async kubeconfig(namespace: string, name: string): Promise<string> {
    const { kubeconfig } = this.#cluster;
    const token = await this.#tools.token(kubeconfig, { namespace, name });
    const file = join(this.#scratch, `${namespace}-${name}.yaml`);
    writeFileSync(file, kubeconfigOf({ ...serverOf(kubeconfig), token, namespace }), { mode: 0o600 });
    return file;
  }

  /** What a service account may do in a namespace beyond what every account may, sorted. */
  async rightsOf(namespace: string, name: string, place: string): Promise<Right[]> {
    const nobody = await this.#cluster.serviceAccount(namespace, []);
    const everybody = new Set(await rightsIn(nobody.kubeconfig, place));
    const all = await rightsIn(await this.kubeconfig(namespace, name), place);
    return all.filter((right) => !everybody.has(right));
  }

  /** Whether the account of a kubeconfig has a right, which is passed as arguments of `kubectl auth can-i`. */
  async mayDo(kubeconfig: string, ...right: readonly string[]): Promise<boolean> {
    const words = ['--kubeconfig', kubeconfig, 'auth', 'can-i', ...right];
    const { stdout } = await this.#tools.run('kubectl', words);
    return stdout.trim() === 'yes';
  }
}

/** Rights from verbs by resource, sorted. */
export function expectedRights(verbs: Readonly<Record<string, string>>): Right[] {
  return Object.entries(verbs)
    .flatMap(([what, each]) => each.split(' ').map((verb) => `${verb} ${what}`))
    .sort();
}
