import type { KubernetesClient } from './client.js';
import type { Resource, ResourceKey, ResourceKind, Stored } from './resource.js';
import { retryOnConflict } from './retry.js';

/**
 * Replaces a resource with the result of `change`, or creates it; `change` receives the stored resource, if there is one.
 * Writes nothing if `change` returns undefined. Repeats the read and the change after a write conflict.
 */
export async function createOrUpdate<T extends Resource>(
  client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>,
  kind: ResourceKind,
  key: ResourceKey,
  change: (stored: Stored<T> | undefined) => T | undefined,
): Promise<void> {
  await retryOnConflict(async () => {
    const stored = await client.find<T>(kind, key);
    const changed = change(stored);
    if (!changed) return;
    if (!stored) {
      await client.create(kind, changed);
      return;
    }
    const { resourceVersion } = stored.metadata;
    await client.replace(kind, { ...changed, metadata: { ...changed.metadata, resourceVersion } });
  });
}
