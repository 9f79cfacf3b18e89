import { SharedRead } from '../../../time/shared-read.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource, ResourceKey, Stored } from '../api/resource.js';

/** Finds the AccessGrant of a uid, because the API can only find it by name. */
export interface GrantLocator {
  /**
   * Returns namespace and name of the grant with that uid; undefined if it certainly does not exist. Rejects if that is
   * unknown. The grant may be deleted meanwhile, so the caller compares the uid of the AccessGrant that it reads.
   */
  locate(uid: string): Promise<ResourceKey | undefined>;
}

/**
 * Finds grants by listing all of them, or those of one namespace, for each unknown uid. The service uses a watch instead,
 * because clients can send it any number of invented uids.
 */
export class ListingLocator implements GrantLocator {
  readonly #keys = new Map<string, ResourceKey>();
  readonly #listing: SharedRead<void>;

  constructor(client: KubernetesClient, namespace: string | undefined) {
    this.#listing = new SharedRead(async () => {
      const { items } = await readListing(client, { kind: ACCESS_GRANTS, namespace }, grantKey);
      this.#keys.clear();
      for (const { uid, ...key } of items) this.#keys.set(uid, key);
    });
  }

  /** Lists the grants if the uid is unknown. */
  async locate(uid: string): Promise<ResourceKey | undefined> {
    const known = this.#keys.get(uid);
    if (known) return known;
    await this.#listing.readAfter();
    return this.#keys.get(uid);
  }
}

function grantKey({ metadata: { uid, namespace, name } }: Stored<Resource>) {
  return { uid, namespace, name };
}
