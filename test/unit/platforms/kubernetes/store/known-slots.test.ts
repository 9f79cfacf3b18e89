import { describe, expect, it } from 'vitest';
import { KnownSlots } from '../../../../../src/platforms/kubernetes/store/known-slots.js';
import {
  type RedemptionResource,
  redemptionResource,
  type WrittenCode,
} from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import { heapBytes } from '../../../../support/heap-bytes.js';
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
    expect(slots.newest(9)).toEqual([0]);
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
    expect(slots.ofId(rest.spec.id)).toBeUndefined();
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

  it('have the same content as before after a Redemption of a later slot was added and deleted', () => {
    const slots = new KnownSlots(UID);
    const live = resourceOf(0, { ...SHARED, createdAt: NOW - 1_000 });
    slots.add(live);
    const before = usesIn(slots, live);
    const deleted = resourceOf(5, SHARED);
    slots.add(deleted);
    expect(usesIn(slots, live)).not.toEqual(before);
    slots.remove(locationOf(deleted));
    expect(usesIn(slots, live)).toEqual(before);
    expect(usesIn(slots, deleted)).toMatchObject({ ofId: undefined, ofReplayKey: undefined });
    slots.add(resourceOf(1));
    expect(slots.next).toBe(2);
  });

  it('never free a slot again that is before the next one', () => {
    const slots = new KnownSlots(UID);
    const resources = [0, 1, 2].map((slot) => resourceOf(slot));
    for (const resource of resources) slots.add(resource);
    for (const resource of resources) slots.remove(locationOf(resource));
    expect(slots.next).toBe(3);
    expect(slots.newest(9)).toEqual([]);
  });

  it('retain a redemption that filled the slot of a deleted one with the same key', () => {
    const slots = new KnownSlots(UID);
    const replayKey = 'the same key';
    const [deleted, live] = [
      resourceOf(0, { ...SHARED, replayKey }),
      resourceOf(0, { ...SHARED, replayKey }),
    ];
    slots.add(deleted);
    slots.add(live);
    slots.remove(locationOf(deleted));
    expect(usesIn(slots, live)).toMatchObject({ uses: 1, times: [NOW], ofId: 0, ofReplayKey: 0 });
  });

  it('retain a redemption if a copy of its id in another slot is deleted', () => {
    const slots = new KnownSlots(UID);
    const { id, ...original } = sampleRedemption(UID);
    const [live, copy] = [0, 1].map((slot) =>
      redemptionResource({ ...original, id }, 'shared', slot, undefined),
    );
    slots.add(live as RedemptionResource);
    slots.add(copy as RedemptionResource);
    slots.remove(locationOf(copy as RedemptionResource));
    expect(slots.ofId(id)).toBe(0);
  });

  it('retain less than 3,000 bytes of a Redemption with the longest texts, and nothing of a deleted one', () => {
    const count = 2_000;
    const slots = new KnownSlots(UID);
    const before = heapBytes();
    // Also of slots that come after a free one.
    for (let slot = 1; slot <= count; slot += 1) slots.add(longestResource(slot));
    expect(heapBytes() - before).toBeLessThan(count * 3_000);
    for (let slot = 1; slot <= count; slot += 1) slots.remove(locationOf(longestResource(slot)));
    expect(heapBytes() - before).toBeLessThan(count * 100);
    expect(slots.next).toBe(0);
  });
});

const SHARED = { name: 'east', subject: 'the east', mode: 'stock', jti: 'a' } as const;

function locationOf({ metadata: { name }, spec: { id } }: RedemptionResource) {
  return { id, name };
}

/** What the slots report about a Redemption. */
function usesIn(slots: KnownSlots, { spec }: RedemptionResource) {
  return {
    next: slots.next,
    uses: slots.usesOf(spec.code?.jti ?? ''),
    times: [...slots.stockTimesOf(spec)],
    newest: slots.newest(9),
    ofId: slots.ofId(spec.id),
    ofReplayKey: slots.ofReplayKey(spec.replayKey),
  };
}

/** A Redemption with texts of the greatest length that the CRD permits, which JSON writes with six characters each. */
function longestResource(slot: number): RedemptionResource {
  const long = (length: number) => `${slot}\u65e5`.padEnd(length, '\u0001');
  const texts = { name: long(253), subject: long(253), replayKey: long(256), mode: 'stock' } as const;
  const id = `${String(slot).padStart(8, '0')}${UID.slice(8)}`;
  const resource = resourceOf(slot, { ...texts, id, jti: long(64) });
  const { uses, expirationTime } = resource.spec.code as WrittenCode;
  const code = { jti: long(64), uses, expirationTime, subject: long(253) } as WrittenCode;
  return { ...resource, spec: { ...resource.spec, code } };
}
