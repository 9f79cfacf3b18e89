import { describe, expect, it } from 'vitest';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import type { StoredOutcome } from '../../../src/redemption/ports/outcome-store.js';
import { MINUTE, NOW } from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

function outcome(changes: Partial<StoredOutcome> = {}): StoredOutcome {
  return {
    id: 'a'.repeat(64),
    kid: 'some-key',
    request: 'b'.repeat(64),
    createdId: '22c7dcf1-ef57-454f-98ff-fa5a79792832',
    sealed: new Uint8Array([0, 1, 255]),
    until: NOW + MINUTE,
    ...changes,
  };
}

/** Outcomes of creations that may be repeated: stored by the first request, and erased after they expire. */
export function outcomeConformance(current: CurrentStore<DatabaseStore>): void {
  describe('stored outcomes', () => {
    it('returns the first outcome of an id to its caller and to all later callers', async () => {
      const { store, openAnother } = current();
      const first = outcome();
      expect(await store.storeFirstOutcome(first, NOW)).toEqual(first);
      const another = await openAnother();
      expect(
        await another.storeFirstOutcome(outcome({ createdId: 'another', request: 'other' }), NOW),
      ).toEqual(first);
      expect(
        await store.storeFirstOutcome(outcome({ id: 'c'.repeat(64), createdId: 'third' }), NOW),
      ).toMatchObject({
        createdId: 'third',
      });
    });

    it('returns the same outcome to all of many concurrent callers', async () => {
      const { store } = current();
      const stored = Array.from({ length: 20 }, (_, index) =>
        store.storeFirstOutcome(outcome({ createdId: `created-${index}` }), NOW),
      );
      expect(new Set((await Promise.all(stored)).map(({ createdId }) => createdId)).size).toBe(1);
    });

    it('ignores expired outcomes, and erases them with the sealed answers', async () => {
      const { store } = current();
      await store.storeFirstOutcome(outcome(), NOW);
      const later = outcome({ createdId: 'later', until: NOW + 3 * MINUTE });
      expect(await store.storeFirstOutcome(later, NOW + MINUTE - 1)).toMatchObject({
        createdId: outcome().createdId,
      });
      expect(await store.storeFirstOutcome(later, NOW + MINUTE)).toEqual(later);
      expect(await store.eraseSealedAnswers(NOW + 2 * MINUTE)).toBe(0);
      expect(await store.eraseSealedAnswers(NOW + 3 * MINUTE)).toBe(1);
    });
  });
}
