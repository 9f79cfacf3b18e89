import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterAccess, openClusterAccess } from '../../src/platforms/kubernetes/api/cluster-access.js';
import { REDEMPTIONS } from '../../src/platforms/kubernetes/api/kinds.js';
import { redemptionResource } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import type { FillOrder, SlotFiller } from '../../src/platforms/kubernetes/store/slot-filler.js';
import { sampleRedemption } from '../support/store-samples.js';
import { type LinkgrantAccount, linkgrantAccount } from './harness/linkgrant-account.js';
import { openTestCluster, type TestCluster } from './harness/test-cluster.js';

// A thread runs built code, like the service.
const BUILT = new URL('../../dist/platforms/kubernetes/store/threaded-filler.js', import.meta.url).href;
const UID = '6a1c3f0e-8f0b-4b57-9d57-8f1a3a0c2f11';

type OpenFiller = SlotFiller & { close(): Promise<void> };

let cluster: TestCluster;
let account: LinkgrantAccount;
let namespace: string;
const fillers: OpenFiller[] = [];

beforeAll(async () => {
  cluster = await openTestCluster();
  account = await linkgrantAccount(cluster);
  namespace = await cluster.namespace();
});
afterAll(async () => {
  await Promise.all(fillers.map((filler) => filler.close()));
  account?.remove();
  await cluster?.close();
});

/** `change` is made of the access before the thread is given it. */
async function openFiller(
  change: (access: ClusterAccess) => Pick<ClusterAccess, 'current'> = (access) => access,
): Promise<OpenFiller> {
  const { ThreadedFiller } = await import(BUILT);
  const options = { kubeconfig: [account.kubeconfig] };
  const access = await openClusterAccess(options);
  const filler: OpenFiller = new ThreadedFiller(change(access), options);
  fillers.push(filler);
  return filler;
}

function orderOf(slot: number, follows?: string, { place = namespace, uid = UID } = {}): FillOrder {
  const redemption = sampleRedemption(uid, { namespace: place });
  const resource = redemptionResource(redemption, 'shared', slot, undefined);
  const turn = { of: 'ours', heir: undefined };
  return { resource, follows, isAmid: true, turn, withinMs: 5_000 };
}

const idOf = ({ resource }: FillOrder) => resource.spec.id;

describe('the thread that fills slots', () => {
  it('fills them in order, and tries none behind one that was filled already', async () => {
    const filler = await openFiller();
    const zero = orderOf(0);
    const one = orderOf(1, idOf(zero));
    expect(await Promise.all([zero, one].map((order) => filler.fill(order)))).toEqual(['filled', 'filled']);
    const again = orderOf(1);
    const two = orderOf(2, idOf(again));
    expect(await Promise.all([again, two].map((order) => filler.fill(order)))).toEqual(['taken', 'untried']);
    const { items } = await cluster.admin.listAll(REDEMPTIONS, { namespace });
    expect(items.map(({ metadata }) => metadata.name)).toEqual([`${UID}-0`, `${UID}-1`]);
  });

  it('tries nothing for which no time is left when it has started', async () => {
    const filler = await openFiller();
    expect(await filler.fill({ ...orderOf(7), withinMs: 1 })).toBe('late');
  });

  it('says why a slot cannot be filled', async () => {
    const filler = await openFiller();
    const nowhere = orderOf(0, undefined, { place: 'no-such-namespace' });
    await expect(filler.fill(nowhere)).rejects.toMatchObject({ reason: 'not_found', status: 404 });
  });

  it('is started again where it could not be before', async () => {
    let tries = 0;
    const filler = await openFiller((access) => ({
      current: async (again) => {
        tries += 1;
        if (tries === 1) throw new Error('the credentials cannot be read');
        return access.current(again);
      },
    }));
    const refused = await filler.fill(orderOf(2)).catch(({ reason }) => reason);
    expect(refused).toBe('unavailable');
    expect(await filler.fill(orderOf(2))).toBe('filled');
  });

  it('asks for new credentials where they are refused', async () => {
    const asked: (boolean | undefined)[] = [];
    const filler = await openFiller((access) => ({
      current: async (again) => {
        asked.push(again);
        const found = await access.current(again);
        return again ? found : { ...found, headers: { authorization: 'Bearer of-another-time' } };
      },
    }));
    expect(await filler.fill(orderOf(4))).toBe('filled');
    expect(asked).toContain(true);
  });

  it('gives up what is under way when it is closed', async () => {
    const filler = await openFiller();
    const outcome = filler.fill(orderOf(3)).catch(({ reason }) => reason);
    await filler.close();
    expect(['filled', 'unavailable']).toContain(await outcome);
  });
});
