import { expect } from 'vitest';
import { eventually } from '../../support/until.js';
import { type Right, rightsIn } from './access-review.js';
import type { DeployTools } from './deploy-tools.js';
import type { TestCluster } from './test-cluster.js';

/** What service accounts of applied manifests may do. */
export class ShippedRights {
  readonly #cluster: TestCluster;
  readonly #tools: DeployTools;

  constructor(cluster: TestCluster, tools: DeployTools) {
    this.#cluster = cluster;
    this.#tools = tools;
  }

  /**
   * Asserts what a service account may do in a namespace beyond what every account may. Repeats this until it holds, because the
   * API server reads new roles some time after they were created. `rights` is sorted.
   */
  async expectRights(
    namespace: string,
    name: string,
    place: string,
    rights: readonly Right[],
  ): Promise<void> {
    await eventually(async () => expect(await this.#rightsOf(namespace, name, place)).toEqual(rights));
  }

  async #rightsOf(namespace: string, name: string, place: string): Promise<Right[]> {
    const unprivileged = await this.#cluster.serviceAccount(namespace, []);
    const commonRights = await rightsIn(unprivileged.kubeconfig, place);
    if (commonRights.some((right) => / (secrets|\*)/.test(right)))
      throw new Error('every account may use Secrets');
    const all = await rightsIn(await this.#cluster.kubeconfigFor({ namespace, name }), place);
    return all.filter((right) => !commonRights.includes(right));
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
