import type { GrantStore } from '../../../redemption/ports/grant-store.js';
import { recordRedemption } from './record-redemption.js';
import { recordSingleUse } from './record-single-use.js';
import { readRedemption, slotName } from './redemption-resource.js';
import { sortedPage } from './sorted-page.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';
import { findResource, findSlot, revokeResource } from './stored-redemptions.js';

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
  const { client, namespace, accounts, sealed } = parts;
  return {
    async findReplay(grantUid, replayKey) {
      const account = await accounts.find(grantUid);
      if (!account) return undefined;
      const { slots } = account;
      if (!slots.ofReplayKey(replayKey)) await account.filled.since();
      const same = slots.ofReplayKey(replayKey);
      return same && findSlot(parts, { namespace: account.namespace, name: slotName(grantUid, same.slot) });
    },

    recordRedemption: (uid, redemption, now, rules = {}) =>
      recordRedemption(uid, redemption, now, rules, parts),
    recordSingleUse: (grant, redemption) => recordSingleUse(grant, redemption, parts),

    async findRedemption(id) {
      const resource = await findResource(client, id, namespace);
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
      const resource = await findResource(client, id, namespace);
      return resource ? revokeResource(parts, resource.metadata, now) : false;
    },

    eraseSealedAnswers: (now) => sealed.erase(now),
  };
}
