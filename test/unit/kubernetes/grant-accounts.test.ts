import { describe, expect, it } from 'vitest';
import type { KubernetesClient } from '../../../src/platforms/kubernetes/client.js';
import type { Stored } from '../../../src/platforms/kubernetes/resource.js';
import { GrantAccounts } from '../../../src/platforms/kubernetes/store/grant-accounts.js';
import {
  type RedemptionResource,
  redemptionResource,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { sampleRedemption } from '../../support/store-samples.js';

const UID = '6a1c3f0e-8f0b-4b57-9d57-8f1a3a0c2f11';
const KEY = { namespace: 'west', name: 'shared' };
// Who asks the API for something here fails.
const NO_CLIENT = {} as KubernetesClient;

function accountsThatKnow(redemptionsAllowed: number | undefined): GrantAccounts {
  return new GrantAccounts(NO_CLIENT, {
    locate: () => Promise.reject(new Error('the API was asked where the grant is')),
    known: (uid) =>
      uid === UID && redemptionsAllowed !== undefined ? { ...KEY, redemptionsAllowed } : undefined,
  });
}

function redemptionIn(slot: number, namespace = KEY.namespace): Stored<RedemptionResource> {
  const redemption = sampleRedemption(UID, { namespace });
  return redemptionResource(redemption, KEY.name, slot, undefined) as Stored<RedemptionResource>;
}

describe('what a watch tells of grants that were not redeemed here', () => {
  it('is known when one is redeemed here first', async () => {
    const accounts = accountsThatKnow(3);
    for (const slot of [1, 0]) accounts.note(redemptionIn(slot));
    expect((await accounts.find(UID))?.slots.next).toBe(2);
  });

  it('is not kept of a use that leaves none', () => {
    const accounts = accountsThatKnow(1);
    accounts.note(redemptionIn(0));
    expect(accounts.known(UID)).toBeUndefined();
  });

  it('is not kept of a grant that nobody told of', () => {
    const accounts = accountsThatKnow(undefined);
    accounts.note(redemptionIn(0));
    expect(accounts.known(UID)).toBeUndefined();
  });

  it('is not kept of a Redemption in another namespace than the grant', () => {
    const accounts = accountsThatKnow(3);
    accounts.note(redemptionIn(0, 'east'));
    expect(accounts.known(UID)).toBeUndefined();
  });
});
