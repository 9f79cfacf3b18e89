import { linkAbort } from '../../../time/abort.js';
import type { KubernetesClient } from '../api/client.js';
import { readListing } from '../api/list-page.js';
import type { Resource, ResourceKind, Stored } from '../api/resource.js';
import type { ObjectSource } from './informer.js';

// The server ends each watch after this time, which shows that it is alive even if nothing changes.
const WATCH_SECONDS = 10;
// A connection without data for this long counts as dead.
const MAX_WATCH_MS = (WATCH_SECONDS + 5) * 1_000;

/** The source of the resources of a kind in `namespace`, or in all if it is undefined, each converted by `read`. */
export function watchedResources<T extends Resource, V>(
  client: Pick<KubernetesClient, 'list' | 'watch'>,
  { kind, namespace }: { readonly kind: ResourceKind; readonly namespace: string | undefined },
  read: (resource: Stored<T>) => V,
): ObjectSource<V> {
  return {
    list: (signal) => readListing<T, V>(client, { kind, namespace }, read, signal),

    async *watch(resourceVersion, signal) {
      const selection = { namespace, resourceVersion, timeoutSeconds: WATCH_SECONDS };
      const { controller, unlink } = linkAbort([signal]);
      const timer = setTimeout(() => controller.abort(), MAX_WATCH_MS);
      try {
        for await (const event of client.watch<T>(kind, selection, controller.signal)) {
          if (event.type === 'BOOKMARK') {
            yield { type: 'bookmark', resourceVersion: event.resourceVersion };
            continue;
          }
          const { resourceVersion: version } = event.object.metadata;
          const type = event.type === 'DELETED' ? 'remove' : 'put';
          yield { type, object: read(event.object), resourceVersion: version };
        }
      } finally {
        clearTimeout(timer);
        unlink();
      }
    },
  };
}
