import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { REDEMPTIONS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { removeExpiredLedgers } from '../../../../../src/platforms/kubernetes/store/expired-ledgers.js';
import { redemptionResource } from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import type { StoreParts } from '../../../../../src/platforms/kubernetes/store/store-parts.js';
import { NOW, sampleRedemption } from '../../../../support/store-samples.js';

it('a call removes at most a hundred expired ledgers and reports that there are more', async () => {
  const redemptions = new Map<string, Resource>();
  for (let count = 0; count < 101; count += 1) {
    const created = redemptionResource(sampleRedemption(randomUUID()), 'g', 0, undefined);
    redemptions.set(created.metadata.name, created);
  }
  const client = {
    list: async (kind: ResourceKind) => ({ items: kind === REDEMPTIONS ? [...redemptions.values()] : [] }),
    find: async (_kind: ResourceKind, { name }: { readonly name: string }) => redemptions.get(name),
    delete: async (_kind: ResourceKind, { name }: { readonly name: string }) => redemptions.delete(name),
  };
  const parts = { client, codes: { remove: async () => undefined } } as unknown as StoreParts;
  const later = NOW + 10 * 365 * 86_400_000;
  expect(await removeExpiredLedgers(parts, later)).toBe(true);
  expect(redemptions.size).toBe(1);
  expect(await removeExpiredLedgers(parts, later)).toBe(false);
  expect(redemptions.size).toBe(0);
});

it('the codes of a deleted grant are deleted before its ledger, so that a failed attempt is repeated', async () => {
  const grantUid = randomUUID();
  const redemption = redemptionResource(sampleRedemption(grantUid), 'g', 0, undefined);
  let stored: Resource | undefined = redemption;
  const client = {
    list: async (kind: ResourceKind) => ({ items: kind === REDEMPTIONS && stored ? [stored] : [] }),
    find: async () => stored,
    delete: async () => {
      stored = undefined;
      return true;
    },
  };
  const failures = [new ApiError('delete configmaps', { reason: 'unavailable', status: 500 })];
  const removed: string[] = [];
  const codes = {
    async remove(uid: string) {
      const failure = failures.pop();
      if (failure) throw failure;
      removed.push(uid);
    },
  };
  const parts = { client, codes } as unknown as StoreParts;
  const later = NOW + 10 * 365 * 86_400_000;
  await expect(removeExpiredLedgers(parts, later)).rejects.toMatchObject({ status: 500 });
  expect(await removeExpiredLedgers(parts, later)).toBe(false);
  expect(removed).toEqual([grantUid]);
  expect(stored).toBeUndefined();
});
