import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import type { ResourceKey } from '../api/resource.js';
import { SharedRead } from '../api/shared-read.js';
import type { AccessGrantResource } from '../grants/access-grant-resource.js';

/** Tells where the AccessGrant of a uid is, which the API itself finds by name alone. */
export interface GrantLocator {
  /**
   * Namespace and name of the grant of that uid; undefined only when it is sure that there is none, else it rejects. A grant
   * that was deleted meanwhile may still be told: whoever reads it compares the uid.
   */
  locate(uid: string): Promise<ResourceKey | undefined>;
}

/**
 * Finds grants by listing all of them, or those of one namespace, whenever one is asked for that is not known yet. A
 * service that strangers ask has informers instead.
 */
export class ListingLocator implements GrantLocator {
  readonly #keys = new Map<string, ResourceKey>();
  readonly #listing: SharedRead<void>;

  constructor(client: KubernetesClient, namespace: string | undefined) {
    this.#listing = new SharedRead(async () => {
      const { items } = await client.listAll<AccessGrantResource>(ACCESS_GRANTS, { namespace });
      this.#keys.clear();
      for (const { metadata } of items) {
        this.#keys.set(metadata.uid, { namespace: metadata.namespace, name: metadata.name });
      }
    });
  }

  async locate(uid: string): Promise<ResourceKey | undefined> {
    const known = this.#keys.get(uid);
    if (known) return known;
    await this.#listing.readAfter();
    return this.#keys.get(uid);
  }
}
