import { describe, expect, it } from 'vitest';
import { KnownSlots } from '../../../../../src/platforms/kubernetes/store/known-slots.js';
import { redemptionResource } from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import { NOW, sampleRedemption } from '../../../../support/store-samples.js';

const UID = '6a1c3f0e-8f0b-4b57-9d57-8f1a3a0c2f11';

const code = { jti: 'a', uses: 3, expirationTime: NOW, subject: null };

function resourceOf(slot: number, changes: Parameters<typeof sampleRedemption>[1] = {}) {
  const redemption = sampleRedemption(UID, changes);
  return redemptionResource(redemption, 'shared', slot, redemption.jti === null ? undefined : code);
}

describe('the known slots of a grant', () => {
  it('return the first unknown slot as the next one, in whatever order slots become known', () => {
    const slots = new KnownSlots(UID);
    for (const slot of [2, 0]) slots.add(resourceOf(slot));
    expect(slots.next).toBe(1);
    slots.add(resourceOf(1));
    expect(slots.next).toBe(3);
    expect(slots.size).toBe(3);
  });

  it('find a slot by id and by replay key', () => {
    const slots = new KnownSlots(UID);
    const resource = resourceOf(4);
    slots.add(resource);
    const { id, replayKey } = resource.spec;
    expect(slots.ofId(id)).toBe(4);
    expect(slots.ofReplayKey(replayKey)).toBe(4);
    expect(slots.ofReplayKey('another key')).toBeUndefined();
  });

  it('count a Redemption once, however often it is added', () => {
    const slots = new KnownSlots(UID);
    const resource = resourceOf(0, { mode: 'stock', jti: 'a' });
    for (let time = 0; time < 3; time += 1) slots.add(resource);
    expect(slots.usesOf('a')).toBe(1);
    expect(slots.stockTimesOf(resource.spec)).toEqual([NOW]);
    expect(slots.size).toBe(1);
  });

  it('count uses by jti, and return the times of Skupper clients by name and subject', () => {
    const slots = new KnownSlots(UID);
    const same = { name: 'east', subject: 'the east' };
    slots.add(resourceOf(0, { ...same, mode: 'stock', jti: 'a', createdAt: NOW - 1_000 }));
    slots.add(resourceOf(1, { ...same, mode: 'stock', jti: 'a' }));
    slots.add(resourceOf(2, { ...same, mode: 'csr', jti: 'b' }));
    slots.add(resourceOf(3, { ...same, name: 'north', mode: 'stock' }));
    expect(slots.usesOf('a')).toBe(2);
    expect(slots.codeOf('a')).toEqual({ uses: 2, code: expect.objectContaining({ jti: 'a', uses: 3 }) });
    expect(slots.usesOf('b')).toBe(1);
    expect(slots.usesOf('c')).toBe(0);
    expect(slots.stockTimesOf(same)).toEqual([NOW - 1_000, NOW]);
  });

  it('read the slot from the name, and ignore a Redemption whose name has no slot', () => {
    const slots = new KnownSlots(UID);
    const { metadata, ...rest } = resourceOf(0);
    slots.add({ ...rest, metadata: { ...metadata, name: 'slot-0' } });
    expect(slots.size).toBe(0);
    slots.add({ ...rest, metadata: { ...metadata, name: `${UID}-7` } });
    expect(slots.ofId(rest.spec.id)).toBe(7);
  });

  it('contain both redemptions if a slot was filled again after a deletion', () => {
    const slots = new KnownSlots(UID);
    const [first, second] = [resourceOf(0, { jti: 'a' }), resourceOf(0, { jti: 'a' })];
    slots.add(first);
    slots.add(second);
    expect(slots.next).toBe(1);
    expect(slots.usesOf('a')).toBe(2);
    for (const { spec } of [first, second]) expect(slots.ofReplayKey(spec.replayKey)).toBe(0);
  });
});
