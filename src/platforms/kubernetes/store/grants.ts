import { type AccessGrant, countStates, grantState, hasGrantEnded } from '../../../domain/access-grant.js';
import { formatLabelSelector } from '../../../domain/label-selector.js';
import type { GrantStore, IssuerUse } from '../../../redemption/ports/grant-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import { isApiError } from '../api/api-error.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import { createGrantResource, revokeGrantResource, updateGrantResource } from './grant-resources.js';
import { readGrants, readRedemptions, type StoreParts, withKnownSlots } from './store-parts.js';
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

/** The operations of the store on grants. A grant is an AccessGrant. */
export function grantStoreMethods(parts: StoreParts): GrantMethods {
  const { client, namespace, accounts } = parts;

  const readAll = <T>(read: (grant: AccessGrant) => T | undefined) => readGrants(parts, { namespace }, read);
  const isServed = (grantNamespace: string | undefined): boolean =>
    namespace === undefined || grantNamespace === namespace;

  return {
    createGrant: (grant, code) => createGrantResource(client, grant, code),

    async findGrant(uid) {
      const account = await accounts.find(uid);
      const grant = await account?.grant.readAfter();
      if (!grant) accounts.forget(uid);
      return grant && withKnownSlots(grant, accounts);
    },

    async findGrantByName(grantNamespace, name) {
      if (!isServed(grantNamespace)) return undefined;
      const key = { namespace: grantNamespace, name };
      const resource = await client.find<AccessGrantResource>(ACCESS_GRANTS, key, { isLimited: true });
      return resource && withKnownSlots(readAccessGrant(resource).grant, accounts);
    },

    async listGrants(page, matches = () => true) {
      const { namespace: grantNamespace = namespace, labels } = page;
      const selection = {
        namespace: grantNamespace,
        labelSelector: labels && formatLabelSelector(labels),
      };
      const read = (grant: AccessGrant) => (matches(grant) ? grant : undefined);
      const grants = isServed(grantNamespace) ? await readGrants(parts, selection, read) : [];
      return sortedPage(grants, page, ['', ''], (grant) => [grant.namespace, grant.name]);
    },

    async updateGrant(uid, change) {
      const account = await accounts.find(uid);
      return account ? updateGrantResource(client, account, uid, change) : false;
    },

    async revokeGrant(uid, now, cascade = false) {
      const account = await accounts.find(uid);
      if (!account) return false;
      const revoked = await revokeGrantResource(parts, account, uid, now);
      // A Redemption created after this listing is revoked by its creator, which then finds that the grant is revoked.
      if (cascade) {
        const keys = await readRedemptions(parts, { grantUid: uid }, ({ metadata: { namespace, name } }) => ({
          namespace,
          name,
        }));
        for (const key of keys) await revokeResource(parts, key, now);
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

    async hasGrantCreatedBefore(createdBefore, expiresAfter) {
      const found = await readAll(
        ({ createdAt, revokedAt, expirationTime }) =>
          createdAt < createdBefore &&
          revokedAt === null &&
          (expirationTime === null || expirationTime > expiresAfter),
      );
      return found.includes(true);
    },

    async countGrants(now) {
      return countStates(await readAll((grant) => grantState(grant, now)));
    },

    async countGrantsByIssuer(now) {
      const uses = new Map<string, IssuerUse>();
      const open = await readAll((grant) => {
        if (hasGrantEnded(grantState(grant, now))) return undefined;
        return { namespace: grant.namespace, issuer: grant.issuer };
      });
      for (const use of open) {
        const key = JSON.stringify([use.namespace, use.issuer]);
        uses.set(key, { ...use, grants: (uses.get(key)?.grants ?? 0) + 1 });
      }
      return [...uses.values()];
    },
  };
}
