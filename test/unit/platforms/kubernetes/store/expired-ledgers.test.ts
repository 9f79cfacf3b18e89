import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { REDEMPTIONS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { ExpiredLedgerCollector } from '../../../../../src/platforms/kubernetes/store/expired-ledgers.js';
import { redemptionResource } from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import type { StoreParts } from '../../../../../src/platforms/kubernetes/store/store-parts.js';
import { NOW, sampleRedemption } from '../../../../support/store-samples.js';

it('the codes of a deleted grant are deleted with its ledger after an earlier attempt to delete them failed', async () => {
  const grantUid = randomUUID();
  const created = redemptionResource(sampleRedemption(grantUid), 'g', 0, undefined);
  const metadata = { ...created.metadata, uid: 'a', resourceVersion: '1' };
  let redemptions: Resource[] = [{ ...created, metadata }];
  const client = {
    list: async (kind: ResourceKind) => ({
      items: kind === REDEMPTIONS ? redemptions : [],
      resourceVersion: '1',
    }),
    find: async () => redemptions[0],
    delete: async () => {
      redemptions = [];
      return true;
    },
  };
  const failures = [new ApiError('delete configmaps', { reason: 'unavailable', status: 500 })];
  const deletedCodes: string[] = [];
  const codes = {
    async forget(uid: string) {
      const failure = failures.pop();
      if (failure) throw failure;
      deletedCodes.push(uid);
    },
  };
  const collector = new ExpiredLedgerCollector({
    client,
    codes,
    namespace: undefined,
  } as unknown as StoreParts);
  const later = NOW + 10 * 365 * 86_400_000;
  await expect(collector.removeOne(later)).rejects.toMatchObject({ status: 500 });
  expect(await collector.removeOne(later + 1)).toBe(true);
  expect(deletedCodes).toEqual([grantUid]);
  expect(redemptions).toEqual([]);
});
