import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RedemptionCounter } from '../../../../../src/platforms/kubernetes/grants/redemption-counter.js';
import { heapBytes } from '../../../../support/heap-bytes.js';

const UID = randomUUID();
const NAMESPACE = 'west';

const slotOf = (uid: string, slot: number, namespace = NAMESPACE) => ({ namespace, name: `${uid}-${slot}` });

function openCounter() {
  return new RedemptionCounter(
    (namespace, uid) => namespace === NAMESPACE && uid === UID,
    () => undefined,
  );
}

describe('the counter of redemptions', () => {
  it('still counts a deleted Redemption of a grant that exists', () => {
    const counter = openCounter();
    counter.add(slotOf(UID, 0));
    counter.add(slotOf(UID, 1));
    counter.remove(slotOf(UID, 1));
    counter.replace([slotOf(UID, 0)]);
    expect(counter.countOf(NAMESPACE, UID)).toBe(2);
  });

  it('retains nothing of deleted Redemptions whose grant does not exist in their namespace', () => {
    const counter = openCounter();
    counter.add(slotOf(UID, 4, 'east'));
    counter.remove(slotOf(UID, 4, 'east'));
    expect(counter.countOf('east', UID)).toBe(0);
    const before = heapBytes();
    for (let number = 0; number < 20_000; number += 1) {
      const invented = slotOf(randomUUID(), 0);
      counter.add(invented);
      counter.remove(invented);
    }
    expect(heapBytes() - before).toBeLessThan(1_000_000);
  });

  it('retains after a complete list only the counts of grants that exist or have a Redemption in the list', () => {
    const counter = openCounter();
    const [gone, listed] = [randomUUID(), randomUUID()];
    for (const uid of [gone, listed, UID]) counter.add(slotOf(uid, 2));
    counter.replace([slotOf(listed, 2)]);
    expect([gone, listed, UID].map((uid) => counter.countOf(NAMESPACE, uid))).toEqual([0, 3, 3]);
  });
});
