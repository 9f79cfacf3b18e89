import { asMapping, asMappings } from '../../../files/yaml-documents.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { DEPLOYMENTS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource } from '../api/resource.js';

/** A Skupper controller in the cluster, and whether it serves AccessGrants itself. */
export interface SkupperController {
  readonly namespace: string;
  readonly servesGrants: boolean;
}

const NAME = 'skupper-controller';
// Go's flag package takes one dash or two.
const FLAG = /^--?enable-grants(?:=(.*))?$/;

/**
 * The Skupper controllers in the cluster, or in `namespace` if the user may only list the Deployments in it. Undefined if the
 * user may list neither, or may list only `namespace` and it has none: a controller may run in another namespace.
 */
export async function findSkupperControllers(
  client: KubernetesClient,
  namespace: string,
): Promise<readonly SkupperController[] | undefined> {
  for (const selection of [{}, { namespace }]) {
    try {
      const fieldSelector = `metadata.name=${NAME}`;
      const listed = { kind: DEPLOYMENTS, ...selection, fieldSelector };
      const { items } = await readListing(client, listed, (deployment) => ({
        namespace: deployment.metadata.namespace ?? '',
        servesGrants: servesGrants(deployment),
      }));
      return 'namespace' in selection && items.length === 0 ? undefined : items;
    } catch (error) {
      if (!isApiError(error, 'forbidden', 'no_such_kind')) throw error;
    }
  }
  return undefined;
}

/** True if a Deployment enables grants. The command-line flag has precedence over the environment variable. */
function servesGrants({ spec }: Resource): boolean {
  const { containers } = asMapping(asMapping(asMapping(spec).template).spec);
  return asMappings(containers).some(({ command, args, env }) => {
    const words = [command, args].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
    const flag = words.map((word) => FLAG.exec(word)).findLast((found) => found !== null);
    if (flag) return isTrue(flag[1] ?? 'true');
    const { value } = asMappings(env).find(({ name }) => name === 'SKUPPER_ENABLE_GRANTS') ?? {};
    return isTrue(value);
  });
}

function isTrue(value: unknown): boolean {
  return ['1', 't', 'true'].includes(String(value).toLowerCase());
}
