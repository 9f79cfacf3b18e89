import type { GrantStore } from '../../../redemption/ports/grant-store.js';
import { recordRedemption } from './record-redemption.js';
import { recordSingleUse } from './record-single-use.js';
import { readRedemption } from './redemption-resource.js';
import { sortedPage } from './sorted-page.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';
import { findReplay, findResource, revokeResource } from './stored-redemptions.js';

type RedemptionMethods = Pick<
  GrantStore,
  | 'findReplay'
  | 'recordRedemption'
  | 'recordSingleUse'
  | 'findRedemption'
  | 'listRedemptions'
  | 'revokeRedemption'
  | 'eraseSealedAnswers'
>;

/** The part of the store that keeps redemptions. */
export function redemptionsPart(parts: StoreParts): RedemptionMethods {
  const { accounts, sealed } = parts;
  return {
    async findReplay(grantUid, replayKey, scope) {
      const account = await accounts.find(grantUid);
      if (!account) return undefined;
      const known = await findReplay(account, replayKey, parts);
      if (known || scope === 'known') return known;
      await account.filledSlots.readAfter();
      return findReplay(account, replayKey, parts);
    },

    recordRedemption: (uid, redemption, now, rules = {}) =>
      recordRedemption(uid, redemption, now, rules, parts),
    recordSingleUse: (grant, redemption) => recordSingleUse(grant, redemption, parts),

    async findRedemption(id) {
      const resource = await findResource(parts, id);
      return resource && sealed.joined(readRedemption(resource));
    },

    async listRedemptions(page) {
      const { grantUid, since = 0 } = page;
      const resources = await listRedemptionResources(parts, grantUid);
      const made = resources
        .map((resource) => ({
          redemption: { ...readRedemption(resource), grantName: resource.spec.grantName },
          slot: resource.spec.slot,
        }))
        .filter(({ redemption }) => redemption.createdAt >= since);
      const { items, ...rest } = sortedPage(made, page, 3, ({ redemption, slot }) => [
        redemption.createdAt,
        redemption.grantUid,
        slot,
      ]);
      return { items: items.map(({ redemption }) => redemption), ...rest };
    },

    async revokeRedemption(id, now) {
      const resource = await findResource(parts, id);
      return resource ? revokeResource(parts, resource.metadata, now) : false;
    },

    eraseSealedAnswers: (now) => sealed.erase(now),
  };
}
