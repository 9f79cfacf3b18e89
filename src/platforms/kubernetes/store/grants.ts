import { type AccessGrant, countStates, grantState } from '../../../domain/access-grant.js';
import { formatLabelSelector } from '../../../domain/label-selector.js';
import type { GrantStore, IssuerUse } from '../../../redemption/ports/grant-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import { isApiError } from '../api/api-error.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Stored } from '../api/resource.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import { createGrantResource, revokeGrantResource, updateGrantResource } from './grant-resources.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';
import { revokeResource } from './stored-redemptions.js';

type GrantMethods = Pick<
  GrantStore,
  | 'createGrant'
  | 'findGrant'
  | 'findGrantByName'
  | 'listGrants'
  | 'updateGrant'
  | 'revokeGrant'
  | 'deleteGrant'
  | 'hasGrantCreatedBefore'
  | 'countGrants'
  | 'countGrantsByIssuer'
>;

/** The operations of the store on grants, which are AccessGrants. */
export function grantOperations(parts: StoreParts): GrantMethods {
  const { client, namespace, accounts } = parts;

  /** Raises the number of redemptions to that of the known slots, which the status may not count yet. */
  const withKnownSlots = (grant: AccessGrant): AccessGrant => {
    const redemptions = Math.max(grant.redemptions, accounts.cachedAccount(grant.uid)?.slots.size ?? 0);
    return { ...grant, redemptions };
  };
  const grantOf = (resource: Stored<AccessGrantResource>): AccessGrant =>
    withKnownSlots(readAccessGrant(resource).grant);
  /** Applies `read` to every grant of a namespace, or of all that are served. */
  const readAll = async <T>(
    read: (grant: AccessGrant) => T,
    grantNamespace = namespace,
    labelSelector?: string,
  ): Promise<T[]> => {
    const selection = { kind: ACCESS_GRANTS, namespace: grantNamespace, labelSelector };
    const { items } = await readListing(client, selection, (resource: Stored<AccessGrantResource>) =>
      read(grantOf(resource)),
    );
    return items;
  };
  const isServed = (grantNamespace: string | undefined): boolean =>
    namespace === undefined || grantNamespace === namespace;

  return {
    createGrant: (grant, code) => createGrantResource(client, grant, code),

    async findGrant(uid) {
      const account = await accounts.find(uid);
      const grant = await account?.grant.readAfter();
      if (!grant) accounts.forget(uid);
      return grant && withKnownSlots(grant);
    },

    async findGrantByName(grantNamespace, name) {
      if (!isServed(grantNamespace)) return undefined;
      const key = { namespace: grantNamespace, name };
      const resource = await client.find<AccessGrantResource>(ACCESS_GRANTS, key);
      return resource && grantOf(resource);
    },

    async listGrants(page) {
      const { namespace: grantNamespace = namespace, labels } = page;
      const selector = labels && formatLabelSelector(labels);
      const grants = isServed(grantNamespace)
        ? await readAll((grant) => grant, grantNamespace, selector)
        : [];
      return sortedPage(grants, page, ['', ''], (grant) => [grant.namespace, grant.name]);
    },

    async updateGrant(uid, change) {
      const account = await accounts.find(uid);
      return account ? updateGrantResource(client, account, uid, change) : false;
    },

    async revokeGrant(uid, now, cascade = false) {
      const account = await accounts.find(uid);
      if (!account) return false;
      const revoked = await revokeGrantResource(client, account, uid, now);
      // A Redemption created after this listing is revoked by its creator, which then finds that the grant is revoked.
      if (cascade) {
        for (const { metadata } of await listRedemptionResources(parts, uid)) {
          await revokeResource(parts, metadata, now);
        }
      }
      return revoked;
    },

    async deleteGrant(uid) {
      const account = await accounts.find(uid);
      if (!account) return false;
      accounts.forget(uid);
      try {
        return await client.delete(ACCESS_GRANTS, account, { uid });
      } catch (error) {
        // Another grant has the name now.
        if (isApiError(error, 'conflict')) return false;
        throw error;
      }
    },

    async hasGrantCreatedBefore(createdBefore, endedAfter) {
      const found = await readAll(
        ({ createdAt, revokedAt, expirationTime }) =>
          createdAt < createdBefore &&
          revokedAt === null &&
          (expirationTime === null || expirationTime > endedAfter),
      );
      return found.includes(true);
    },

    async countGrants(now) {
      return countStates(await readAll((grant) => grantState(grant, now)));
    },

    async countGrantsByIssuer(now) {
      const uses = new Map<string, IssuerUse>();
      const open = await readAll((grant) => {
        const state = grantState(grant, now);
        if (state !== 'pending' && state !== 'ready') return [];
        return [{ namespace: grant.namespace, issuer: grant.issuer }];
      });
      for (const use of open.flat()) {
        const key = JSON.stringify([use.namespace, use.issuer]);
        uses.set(key, { ...use, grants: (uses.get(key)?.grants ?? 0) + 1 });
      }
      return [...uses.values()];
    },
  };
}
