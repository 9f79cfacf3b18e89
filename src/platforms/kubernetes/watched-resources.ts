import { linkAbort } from '../../redemption/linked-abort.js';
import { isApiError } from './api-error.js';
import type { KubernetesClient } from './client.js';
import type { ObjectSource } from './informer.js';
import type { Resource, ResourceKind, Stored } from './resource.js';

// The server ends a watch in good order after that: so each is seen alive this often, though nothing changes.
const WATCH_SECONDS = 10;
// A connection that has died without a word is given up then.
const MOST_SILENCE_MS = (WATCH_SECONDS + 5) * 1_000;

/**
 * The resources of a kind in one namespace, or in all where it is undefined, each as `read` sees it. Of each page of a
 * listing only that is kept, so that a million large resources are no trouble.
 */
export function watchedResources<T extends Resource, V>(
  client: Pick<KubernetesClient, 'list' | 'watch'>,
  { kind, namespace }: { readonly kind: ResourceKind; readonly namespace: string | undefined },
  read: (resource: Stored<T>) => V,
): ObjectSource<V> {
  return {
    async list(signal) {
      let items: V[] = [];
      let after: string | undefined;
      for (;;) {
        signal.throwIfAborted();
        try {
          const page = await client.list<T>(kind, { namespace }, { after });
          items = items.concat(page.items.map(read));
          if (page.next === undefined) return { items, resourceVersion: page.resourceVersion };
          after = page.next;
        } catch (error) {
          if (after === undefined || !isApiError(error, 'gone')) throw error;
          items = [];
          after = undefined;
        }
      }
    },

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
