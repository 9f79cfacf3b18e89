import { describe, expect, it } from 'vitest';
import {
  RedemptionIndex,
  type RedemptionLocation,
} from '../../../../../src/platforms/kubernetes/store/redemption-index.js';

const location = (changes: Partial<RedemptionLocation> = {}): RedemptionLocation => ({
  id: 'an-id',
  namespace: 'west',
  name: 'a-grant-0',
  createdAt: 2_000,
  version: 7,
  link: undefined,
  ...changes,
});

describe('the index of Redemptions', () => {
  it('finds a Redemption by id until it is removed', () => {
    const index = new RedemptionIndex();
    index.put(location());
    expect(index.find('an-id')).toMatchObject({ namespace: 'west', name: 'a-grant-0' });
    expect(index.find('another')).toBeUndefined();
    index.remove(location());
    expect(index.find('an-id')).toBeUndefined();
  });

  it.each([
    ['a later second', { createdAt: 3_000, version: 5 }],
    ['the same second, with a higher version', { version: 8 }],
  ])('finds the older of two Redemptions with one id, where the other was created in %s', (_what, later) => {
    const forged = location({ namespace: 'east', ...later });
    for (const order of [
      [location(), forged],
      [forged, location()],
    ]) {
      const index = new RedemptionIndex();
      for (const one of order) index.put(one);
      index.remove(forged);
      expect(index.find('an-id')).toMatchObject({ namespace: 'west' });
    }
  });

  it('forgets what a new listing does not have', () => {
    const index = new RedemptionIndex();
    index.put(location());
    index.replace([location({ id: 'another' })]);
    expect(index.find('an-id')).toBeUndefined();
    expect(index.find('another')).toBeDefined();
  });
});
