import { linkAbort } from '../../../time/abort.js';
import type { KubernetesClient } from '../api/client.js';
import { readListing } from '../api/list-page.js';
import type { Resource, ResourceKind, Stored } from '../api/resource.js';
import type { ObjectSource } from './informer.js';

// The server ends a watch in good order after that: so each is seen alive this often, though nothing changes.
const WATCH_SECONDS = 10;
// A connection that has died without a word is given up then.
const MOST_SILENCE_MS = (WATCH_SECONDS + 5) * 1_000;

/** The resources of a kind in one namespace, or in all where it is undefined, each as `read` sees it. */
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
      const timer = setTimeout(() => controller.abort(), MOST_SILENCE_MS);
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
