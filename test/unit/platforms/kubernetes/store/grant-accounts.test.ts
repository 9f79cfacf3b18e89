import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import type { ResourceKey } from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  type GrantAccount,
  GrantAccounts,
} from '../../../../../src/platforms/kubernetes/store/grant-accounts.js';
import { readRedemptionLocation } from '../../../../../src/platforms/kubernetes/store/redemption-index.js';
import { redemptionResource } from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import { heapBytes } from '../../../../support/heap-bytes.js';
import { NOW, sampleRedemption } from '../../../../support/store-samples.js';

const UID = randomUUID();
const NAMESPACE = 'west';

function redemptionOf(slot: number, namespace = NAMESPACE) {
  const resource = redemptionResource(sampleRedemption(UID, { namespace }), 'g', slot, undefined);
  const metadata = { ...resource.metadata, uid: randomUUID(), resourceVersion: '1' };
  return { ...resource, metadata: { ...metadata, creationTimestamp: new Date(NOW).toISOString() } };
}

type Redemption = ReturnType<typeof redemptionOf>;

/** The accounts of a cluster with one grant; `onFind` is called before the read of a Redemption returns it. */
async function openAccounts(existing: readonly Redemption[] = [], onFind: () => void = () => undefined) {
  const client: Pick<KubernetesClient, 'find'> = {
    async find(_kind: unknown, { name }: ResourceKey) {
      const found = existing.find(({ metadata }) => metadata.name === name);
      if (found) onFind();
      return found as never;
    },
  };
  const accounts = new GrantAccounts(client as KubernetesClient, {
    locate: async () => ({ namespace: NAMESPACE, name: 'g' }),
  });
  return { accounts, account: (await accounts.find(UID)) as GrantAccount };
}

describe('the account of a grant', () => {
  it('forgets a Redemption when the watch reports its deletion', async () => {
    const { accounts, account } = await openAccounts();
    const redemption = redemptionOf(3);
    accounts.observe(redemption);
    expect(account.slots.ofId(redemption.spec.id)).toBe(3);
    accounts.observeDeletion(readRedemptionLocation(redemption));
    expect(account.slots.ofId(redemption.spec.id)).toBeUndefined();
  });

  it('does not forget a Redemption when one with its name and id is deleted in another namespace', async () => {
    const { accounts, account } = await openAccounts();
    const redemption = redemptionOf(0);
    accounts.observe(redemption);
    const { metadata } = redemption;
    const copy = { ...redemption, metadata: { ...metadata, namespace: 'east' } };
    accounts.observeDeletion(readRedemptionLocation(copy));
    expect(account.slots.ofId(redemption.spec.id)).toBe(0);
  });

  it('retains nothing of a Redemption that was deleted while it was read, but its slot stays filled', async () => {
    const redemption = redemptionOf(0);
    const { accounts, account } = await openAccounts([redemption], () =>
      accounts.observeDeletion(readRedemptionLocation(redemption)),
    );
    await account.filledSlots.readAfter();
    expect(account.slots.ofId(redemption.spec.id)).toBeUndefined();
    expect(account.slots.next).toBe(1);
  });

  it('is read again after an interruption of the watch, which may have hidden deletions', async () => {
    const { accounts } = await openAccounts([redemptionOf(0)]);
    accounts.observe(redemptionOf(7));
    accounts.observeInterruption();
    expect(accounts.cachedAccount(UID)).toBeUndefined();
    const account = (await accounts.find(UID)) as GrantAccount;
    await account.filledSlots.readAfter();
    expect(account.slots.newest(9)).toEqual([0]);
  });

  it('does not retain the AccessGrant, except of the 100 grants that were read last', async () => {
    const subjects = (uid: string) =>
      Array.from({ length: 1_000 }, (_, number) => `${number}-${uid}`).join(',');
    let reads = 0;
    const client: Pick<KubernetesClient, 'find'> = {
      async find(_kind: unknown, { namespace, name }: ResourceKey) {
        reads += 1;
        const metadata = { uid: name, namespace, name, resourceVersion: '1' };
        return { metadata, spec: { settings: { 'linkgrant/subjects': subjects(name) } } } as never;
      },
    };
    const accounts = new GrantAccounts(client as KubernetesClient, {
      locate: async (uid) => ({ namespace: NAMESPACE, name: uid }),
    });
    const before = heapBytes();
    const receivedAt = performance.now() - 1;
    const uids = Array.from({ length: 1_000 }, () => randomUUID());
    for (const uid of uids) {
      const { grant } = (await accounts.find(uid)) as GrantAccount;
      expect((await grant.readAfter())?.policy?.subjects).toHaveLength(1_000);
    }
    expect(heapBytes() - before).toBeLessThan(40_000_000);
    const isReadAgain = async (uid: string | undefined) => {
      const readsBefore = reads;
      await accounts.cachedAccount(uid as string)?.grant.readAfter(receivedAt);
      return reads > readsBefore;
    };
    expect(await isReadAgain(uids.at(-100))).toBe(false);
    expect(await isReadAgain(uids.at(-101))).toBe(true);
  });
});
