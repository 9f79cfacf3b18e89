import { type AccessGrant, changedGrant } from '../domain/access-grant.js';
import { changedLabelsAndNote } from '../domain/labels-and-note.js';
import type { Redemption } from '../domain/redemption.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';
import { STORE_OPERATIONS, type StoreOperation } from './store-operations.js';

/**
 * Returns a store for dry runs: it reads `store`, and changes only copies in memory. Each write of an operator returns what
 * it would return on `store`. Any other write rejects. `probe` does nothing, and for every actor the store is the same. All other
 * members that are no {@link StoreOperation} are those of `store`.
 */
export function previewStore<S extends GrantStore>(store: S): S {
  const grants = new Map<string, AccessGrant>();
  const redemptions = new Map<string, Redemption>();
  const findGrant = async (uid: string) => grants.get(uid) ?? (await store.findGrant(uid));
  const findRedemption = async (id: string) => redemptions.get(id) ?? (await store.findRedemption(id));
  const writes = Object.entries(STORE_OPERATIONS).filter(([, kind]) => kind === 'write');
  const rejections = writes.map(([name]) => [
    name,
    () => Promise.reject(new Error(`a dry run cannot do ${name}`)),
  ]);
  const preview: S = {
    ...store,
    ...Object.fromEntries(rejections),
    actingAs: () => preview,
    findGrant,
    findRedemption,
    async createGrant(grant) {
      if (await store.findGrantByName(grant.namespace, grant.name)) return 'name_taken';
      grants.set(grant.uid, grant);
      return grant;
    },
    async updateGrant(uid, change) {
      const grant = await findGrant(uid);
      if (grant) grants.set(uid, changedGrant(grant, change));
      return grant !== undefined;
    },
    revokeGrant: async (uid) => (await findGrant(uid))?.revokedAt === null,
    deleteGrant: async (uid) => (await findGrant(uid)) !== undefined,
    async updateRedemption(id, change) {
      const redemption = await findRedemption(id);
      if (redemption) redemptions.set(id, { ...redemption, ...changedLabelsAndNote(redemption, change) });
      return redemption !== undefined;
    },
    revokeRedemption: async (id) => (await findRedemption(id))?.revokedAt === null,
    createCode: async () => undefined,
    async revokeCode({ grantUid, jti }) {
      const code = await store.findCode(grantUid, jti);
      return (code?.revokedAt ?? null) === null ? 'revoked' : 'already_revoked';
    },
    probe: async () => undefined,
  };
  return preview;
}
