import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { ROUTER_ACCESSES, SECRETS, SITES } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { RecordedSite } from '../../support/sites/kubernetes-site.js';

const KINDS: Readonly<Record<string, ResourceKind>> = {
  Site: SITES,
  RouterAccess: ROUTER_ACCESSES,
  Secret: SECRETS,
};

/** Puts the recorded site into a namespace, as Skupper's controller would create it. */
export async function putSite(
  admin: KubernetesClient,
  namespace: string,
  recorded = new RecordedSite(),
): Promise<void> {
  for (const { metadata, status, ...resource } of recorded.resources) {
    const kind = KINDS[resource.kind];
    if (!kind) throw new Error(`${resource.kind} is no kind of a site`);
    const { name, annotations } = metadata;
    await admin.create(kind, {
      ...resource,
      metadata: { name, namespace, ...(annotations && { annotations }) },
    } as Resource);
    if (status) await admin.patch(kind, { namespace, name }, { status }, { subresource: 'status' });
  }
}
