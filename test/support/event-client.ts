import type { KubernetesClient } from '../../src/platforms/kubernetes/api/client.js';
import type { ResourceKey, ResourceKind, Stored } from '../../src/platforms/kubernetes/api/resource.js';
import type { EventResource } from '../../src/platforms/kubernetes/controller/event-recorder.js';

/** A client of a cluster that stores Events, and the stored Events by name. */
export function eventClient() {
  const events = new Map<string, Stored<EventResource>>();
  const put = async (_kind: ResourceKind, event: Stored<EventResource>) => {
    events.set(event.metadata.name, event);
  };
  const client = {
    find: async (_kind: ResourceKind, { name }: ResourceKey) => events.get(name),
    create: put,
    replace: put,
  } as unknown as KubernetesClient;
  return { client, events };
}
