import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { KubernetesSite } from '../../../../../src/platforms/kubernetes/sites/kubernetes-site.js';
import { SiteIndex } from '../../../../../src/platforms/kubernetes/sites/site-index.js';
import { readRouterAccess, readSite } from '../../../../../src/platforms/kubernetes/sites/site-resource.js';
import { TlsSecrets } from '../../../../../src/platforms/kubernetes/sites/tls-secrets.js';
import type { RecordedSite } from '../../../../support/sites/kubernetes-site.js';

/** The index of the Sites and RouterAccesses of a recorded site. */
function indexOf(recorded: RecordedSite): SiteIndex {
  const index = new SiteIndex(() => {});
  index.sites.replace(recorded.all('Site').map(readSite));
  index.routerAccesses.replace(recorded.all('RouterAccess').map(readRouterAccess));
  return index;
}

/** A recorded site at the time of `clock`. Reads of the Secrets named in `refusedReads` fail with these errors. */
export function siteAt(
  recorded: RecordedSite,
  clock: () => number,
  refusedReads: ReadonlyMap<string, Error> = new Map(),
): KubernetesSite {
  const find = async (_kind: unknown, key: { namespace?: string; name: string }) => {
    const refused = refusedReads.get(key.name);
    if (refused) throw refused;
    return recorded
      .all('Secret')
      .find(({ metadata }) => metadata.namespace === key.namespace && metadata.name === key.name);
  };
  return new KubernetesSite({
    index: indexOf(recorded),
    secrets: new TlsSecrets({ find } as unknown as Pick<KubernetesClient, 'find'>),
    clock,
    assertSynced: () => {},
  });
}
