import type { AccessGrant } from '../../../domain/access-grant.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { GrantStore, RecordOutcome } from '../../../redemption/ports/grant-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import { isApiError } from '../api/api-error.js';
import { REDEMPTIONS } from '../api/kinds.js';
import { retryUntil } from '../api/retry.js';
import { labelsAndNotePatch } from '../grants/grant-metadata.js';
import { recordRedemption, revocationRefusal } from './record-redemption.js';
import { readListedRedemption, readRedemption, redemptionResource } from './redemption-resource.js';
import { readRedemptions, type StoreParts } from './store-parts.js';
import { findReplay, findResource, revokeReplaced, revokeResource } from './stored-redemptions.js';

type RedemptionMethods = Pick<
  GrantStore,
  | 'findReplay'
  | 'recordRedemption'
  | 'recordSingleUse'
  | 'findRedemption'
  | 'listRedemptions'
  | 'updateRedemption'
  | 'revokeRedemption'
  | 'eraseSealedAnswers'
>;

/** The operations of the store on redemptions, which are resources of the kind Redemption. */
export function redemptionStoreMethods(parts: StoreParts): RedemptionMethods {
  const { accounts, sealed } = parts;
  return {
    async findReplay(grantUid, replayKey) {
      const account = await accounts.find(grantUid);
      if (!account) return undefined;
      const findKnown = () => findReplay(account, replayKey, parts);
      const found = (await findKnown()) ?? (await account.filledSlots.readAfter().then(findKnown));
      if (!found) return undefined;
      const { redemption, replaces } = found;
      if (await revocationRefusal(account, redemption.jti, parts)) return undefined;
      await revokeReplaced({ id: redemption.id, namespace: account.namespace, replaces }, parts);
      return redemption;
    },

    recordRedemption: (uid, redemption, now, rules = {}) =>
      recordRedemption(uid, redemption, now, rules, parts),
    recordSingleUse: (grant, redemption) => recordSingleUse(grant, redemption, parts),

    async findRedemption(id) {
      const resource = await findResource(parts, id);
      if (!resource) return undefined;
      const redemption = await sealed.withSealedAnswer(readRedemption(resource));
      return { ...redemption, grantName: resource.spec.grantName };
    },

    async listRedemptions(page, matches = () => true) {
      const { since = 0 } = page;
      const entries = await readRedemptions(parts, page, (resource) => {
        const redemption = readListedRedemption(resource);
        const isSelected = redemption.createdAt >= since && matches(redemption);
        return isSelected ? { redemption, slot: resource.spec.slot } : undefined;
      });
      const { items, ...rest } = sortedPage(entries, page, [0, '', 0], ({ redemption, slot }) => [
        redemption.createdAt,
        redemption.grantUid,
        slot,
      ]);
      return { items: items.map(({ redemption }) => redemption), ...rest };
    },

    async updateRedemption(id, change) {
      const metadata = labelsAndNotePatch(change);
      const resource = await findResource(parts, id);
      if (!resource) return false;
      const { uid } = resource.metadata;
      if (metadata)
        await parts.client.patch(REDEMPTIONS, resource.metadata, { metadata: { ...metadata, uid } });
      return true;
    },

    async revokeRedemption(id, now) {
      const resource = await findResource(parts, id);
      return resource ? revokeResource(parts, resource.metadata, now) : false;
    },

    eraseSealedAnswers: (now) => sealed.eraseExpired(now),
  };
}

/**
 * Implements GrantStore.recordSingleUse: creates the Redemption of a grant that has no AccessGrant. The caller chose the uid,
 * so no other redemption competes for its only slot.
 */
function recordSingleUse(
  grant: AccessGrant,
  redemption: Redemption,
  { client, deadlineMs }: Pick<StoreParts, 'client' | 'deadlineMs'>,
): Promise<RecordOutcome> {
  const resource = redemptionResource(redemption, grant.name, 0, undefined);
  return retryUntil<RecordOutcome>(performance.now() + deadlineMs, async () => {
    try {
      await client.create(REDEMPTIONS, resource);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
    return 'recorded';
  });
}
