import { describe, expect, it } from 'vitest';
import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import type { Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import { GrantAccounts } from '../../../src/platforms/kubernetes/store/grant-accounts.js';
import type { GrantLocator } from '../../../src/platforms/kubernetes/store/grant-locator.js';
import {
  type RedemptionResource,
  redemptionResource,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { sampleRedemption } from '../../support/store-samples.js';

const UID = '6a1c3f0e-8f0b-4b57-9d57-8f1a3a0c2f11';
const KEY = { namespace: 'west', name: 'shared' };
const NOW = Date.parse('2026-01-01T00:00:00Z');
// Who asks the API for something here fails.
const NO_CLIENT = {} as KubernetesClient;

function accountsThatKnow(redemptionsAllowed: number | undefined): GrantAccounts {
  const locator: GrantLocator = {
    locate: () => Promise.reject(new Error('the API was asked where the grant is')),
    known: (uid) =>
      uid === UID && redemptionsAllowed !== undefined ? { ...KEY, redemptionsAllowed } : undefined,
  };
  return new GrantAccounts(NO_CLIENT, locator, () => NOW);
}

function redemptionIn(
  slot: number,
  { namespace = KEY.namespace, ageMs = 1_000, isDeleted = false } = {},
): Stored<RedemptionResource> {
  const redemption = sampleRedemption(UID, { namespace });
  const resource = redemptionResource(redemption, KEY.name, slot, undefined);
  const metadata = {
    ...resource.metadata,
    creationTimestamp: new Date(NOW - ageMs).toISOString(),
    ...(isDeleted && { deletionTimestamp: new Date(NOW).toISOString() }),
  };
  return { ...resource, metadata } as Stored<RedemptionResource>;
}

describe('what a watch tells of grants that were not redeemed here', () => {
  it('is known when one is redeemed here first', async () => {
    const accounts = accountsThatKnow(3);
    for (const slot of [1, 0]) accounts.note(redemptionIn(slot));
    expect((await accounts.find(UID))?.slots.next).toBe(2);
  });

  it.each([
    ['the last use', 3, redemptionIn(2)],
    ['an old use', 3, redemptionIn(0, { ageMs: 61_000 })],
    ['a use that is deleted', 3, redemptionIn(0, { isDeleted: true })],
    ['a use in another namespace than the grant’s', 3, redemptionIn(0, { namespace: 'east' })],
    ['a grant that nobody told of', undefined, redemptionIn(0)],
  ])('does not make known %s', (_what, redemptionsAllowed, redemption) => {
    const accounts = accountsThatKnow(redemptionsAllowed);
    accounts.note(redemption);
    expect(accounts.known(UID)).toBeUndefined();
  });

  it('does not make known what says that it fills a slot, and is named otherwise', () => {
    const accounts = accountsThatKnow(3);
    const { metadata, ...redemption } = redemptionIn(0);
    accounts.note({ ...redemption, metadata: { ...metadata, name: 'slot-0' } });
    expect(accounts.known(UID)).toBeUndefined();
  });
});
