import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from '../../../src/domain/label-selector.js';
import { everyItem, type Page, type PageRequest } from '../../../src/redemption/ports/page.js';
import {
  NOW,
  recordedRedemption,
  sampleGrant,
  sampleRedemption,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

const selector = (text: string) => ({ labels: parseLabelSelector(text) ?? [] });

/** Reads all pages of a listing; every page has at most two items. */
async function namesOf<T extends { readonly name: string }>(
  list: (page: PageRequest) => Promise<Page<T>>,
): Promise<string[]> {
  const items = await everyItem(async ({ after }) => {
    const page = await list({ limit: 2, after });
    expect(page.items.length).toBeLessThanOrEqual(2);
    return page;
  });
  return items.map(({ name }) => name);
}

/** Labels and notes of grants and redemptions: stored, changed and selected. */
export function labelConformance(current: CurrentStore): void {
  describe('labels and notes', () => {
    const labels = { 'example.com/team': 'payments', constructor: '', z: '1', a: '2' };
    const note = 'Berlin <b>\u202e"\'&%s\u200b \u{1f600}';

    it('stores the labels and the note of a new grant', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { labels, note });
      expect(grant).toMatchObject({ labels, note });
      expect(await store.findGrant(grant.uid)).toEqual(grant);
      expect((await store.listGrants({ limit: 10 })).items).toEqual([grant]);
    });

    it('changes labels and note of a grant one by one, and no other field', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { labels: { a: '1', b: '2' }, note: 'old' });
      expect(await store.updateGrant(grant.uid, { labels: { b: null, c: '3', gone: null } })).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, labels: { a: '1', c: '3' } });
      expect(await store.updateGrant(grant.uid, { note })).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, labels: { a: '1', c: '3' }, note });
      expect(await store.updateGrant(grant.uid, { note: null, labels: { a: null, c: null } })).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, labels: {}, note: null });
      expect(await store.updateGrant(grant.uid, { redemptionsAllowed: 2, labels: { d: '4' } })).toBe(true);
      const both = { redemptionsAllowed: 2, labels: { d: '4' }, note: null };
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, ...both });
      expect(await store.updateGrant(sampleGrant().uid, { note })).toBe(false);
    });

    it('changes labels and note of a redemption one by one, and no other field', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { redemptionsAllowed: 2 });
      const redemption = sampleRedemption(uid);
      const bystander = sampleRedemption(uid);
      await store.recordRedemption(uid, redemption, NOW);
      await store.recordRedemption(uid, bystander, NOW);
      expect(await store.updateRedemption(redemption.id, { labels, note })).toBe(true);
      expect(await recordedRedemption(store, redemption.id)).toEqual({ ...redemption, labels, note });
      expect(await store.updateRedemption(redemption.id, { labels: { z: null, b: '3' } })).toBe(true);
      const { z: _, ...rest } = labels;
      const changed = { ...redemption, labels: { ...rest, b: '3' }, note };
      expect(await recordedRedemption(store, redemption.id)).toEqual(changed);
      expect((await store.listRedemptions({ limit: 10, grantUid: uid })).items).toMatchObject([
        { id: redemption.id, labels: changed.labels, note },
        { id: bystander.id, labels: {}, note: null },
      ]);
      expect(await store.updateRedemption(redemption.id, { note: null })).toBe(true);
      expect(await recordedRedemption(store, redemption.id)).toEqual({ ...changed, note: null });
      expect(await store.updateRedemption(sampleRedemption(uid).id, { note })).toBe(false);
    });

    it('writes no ledger entry when labels and notes change', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      const redemption = sampleRedemption(uid);
      await store.recordRedemption(uid, redemption, NOW);
      const before = (await store.listLedger({ limit: 10 })).items;
      await store.updateGrant(uid, { labels, note });
      await store.updateRedemption(redemption.id, { labels, note });
      expect((await store.listLedger({ limit: 10 })).items).toEqual(before);
      await store.revokeRedemption(redemption.id, NOW + 1);
      await store.updateRedemption(redemption.id, { note: 'revoked by mistake' });
      expect(await store.findRedemption(redemption.id)).toMatchObject({ labels, revokedAt: NOW + 1 });
    });

    it('lists the grants that match a label selector, of one namespace or of all, page by page', async () => {
      const { store } = current();
      const team = (name: string) => ({ team: name });
      for (const [name, grantLabels] of Object.entries({
        a: team('x'),
        b: team('y'),
        c: {},
        d: { ...team('x'), pilot: '' },
        e: team('x'),
      })) {
        await storedGrant(store, { namespace: 'one', name, labels: grantLabels });
      }
      await storedGrant(store, { namespace: 'two', name: 'f', labels: team('x') });
      const select = (text: string, namespace?: string) =>
        namesOf((page) =>
          store.listGrants({ ...page, ...selector(text), ...(namespace !== undefined && { namespace }) }),
        );
      expect(await select('team=x')).toEqual(['a', 'd', 'e', 'f']);
      expect(await select('team=x', 'one')).toEqual(['a', 'd', 'e']);
      expect(await select('team!=x', 'one')).toEqual(['b', 'c']);
      expect(await select('!team', 'one')).toEqual(['c']);
      expect(await select('team=x,!pilot')).toEqual(['a', 'e', 'f']);
      expect(await select('pilot')).toEqual(['d']);
      expect(await select('pilot=')).toEqual(['d']);
      expect(await select('constructor')).toEqual([]);
    });

    it('lists the redemptions that match a label selector, of one grant or of all, page by page', async () => {
      const { store } = current();
      const [one, two] = [
        await storedGrant(store, { redemptionsAllowed: 9 }),
        await storedGrant(store, { redemptionsAllowed: 9 }),
      ];
      for (const [at, { uid }] of [one, two, one, one, two].entries()) {
        const redemption = sampleRedemption(uid, { name: `link-${at}`, createdAt: NOW + at * 1_000 });
        await store.recordRedemption(uid, redemption, NOW);
        await store.updateRedemption(redemption.id, { labels: { odd: String(at % 2), [`n${at}`]: '' } });
      }
      const select = (text: string, grantUid?: string) =>
        namesOf((page) =>
          store.listRedemptions({ ...page, ...selector(text), ...(grantUid !== undefined && { grantUid }) }),
        );
      expect(await select('odd=1')).toEqual(['link-1', 'link-3']);
      expect(await select('odd=0', one.uid)).toEqual(['link-0', 'link-2']);
      expect(await select('odd!=1,!n4')).toEqual(['link-0', 'link-2']);
      expect(await select('n4')).toEqual(['link-4']);
      expect(await select('n9')).toEqual([]);
    });
  });
}
