import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import type { Renewal } from '../../../src/domain/issued-certificate.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';
import { searchConformance } from './store-conformance-listing.js';
import { outcomeConformance } from './store-conformance-outcomes.js';

/** What only a DatabaseStore has: stored outcomes, the file that declares a grant, and further operations. */
export function databaseConformance(current: CurrentStore<DatabaseStore>): void {
  outcomeConformance(current);
  searchConformance(current);

  describe('grants that files declare', () => {
    it('returns the file that declares a grant, by uid and by name', async () => {
      const { store } = current();
      const grant = await storedGrant(store, {
        namespace: 'west',
        name: 'full',
        sourceFile: 'AccessGrant-full.yaml',
      });
      expect(await store.findGrant(grant.uid)).toEqual(grant);
      expect(await store.findGrantByName('west', 'full')).toEqual(grant);
    });

    it('changes the file that declares a grant, and nothing else', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { sourceFile: 'AccessGrant-a.yaml' });
      await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      const moved = { sourceFile: 'AccessGrant-b.yaml' };
      expect(await store.updateGrant(grant.uid, moved)).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, ...moved, redemptions: 1 });
      expect(await store.updateGrant(grant.uid, { sourceFile: null })).toBe(true);
      expect((await store.findGrant(grant.uid))?.sourceFile).toBeNull();
    });

    it('lists the declared grants in pages, and no others', async () => {
      const { store } = current();
      const declared = ['one/b', 'two/a', 'two/c', 'two/d'];
      for (const key of [...declared, 'one/a', 'two/b', 'two/e']) {
        const [namespace, name] = key.split('/') as [string, string];
        const sourceFile = declared.includes(key) ? `AccessGrant-${name}.yaml` : null;
        await storedGrant(store, { namespace, name, sourceFile });
      }
      const key = ({ namespace, name }: AccessGrant) => `${namespace}/${name}`;
      const first = await store.listDeclaredGrants({ limit: 2 });
      expect(first.items.map(key)).toEqual(declared.slice(0, 2));
      const second = await store.listDeclaredGrants({ limit: 2, after: first.next as string });
      expect(second.items.map(key)).toEqual(declared.slice(2));
      expect(second.next).toBeUndefined();
    });
  });

  describe('requests with a wrong code', () => {
    it('are a change of the grants, and are forgotten when their grant is deleted', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      const { version } = await store.readChanges();
      await store.addWrongCodes(uid, { count: 1, lastAt: NOW, lastPeer: '192.0.2.7' });
      expect((await store.readChanges(version)).changed).toEqual(['grants']);
      await store.deleteGrant(uid);
      expect(await store.findWrongCodes(uid)).toBeUndefined();
    });
  });

  describe('pending grants', () => {
    it('makes pending grants ready once', async () => {
      const { store } = current();
      const pending = { expirationTime: null, readyAt: null, expirationWindowMs: 5 * MINUTE };
      const waiting = await storedGrant(store, pending);
      const running = await storedGrant(store);
      expect(await store.initializeGrants(NOW + 1)).toBe(1);
      expect(await store.initializeGrants(NOW + 2)).toBe(0);
      const started = await store.findGrant(waiting.uid);
      expect(started).toEqual({ ...waiting, readyAt: NOW + 1, expirationTime: NOW + 1 + 5 * MINUTE });
      expect(await store.findGrant(running.uid)).toEqual(running);
    });

    it('makes a grant ready with its current expiration window', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { expirationTime: null, readyAt: null });
      await store.updateGrant(grant.uid, { expirationWindowMs: 3 * MINUTE });
      expect(await store.initializeGrants(NOW)).toBe(1);
      expect((await store.findGrant(grant.uid))?.expirationTime).toBe(NOW + 3 * MINUTE);
    });
  });

  it('lists the valid certificates of revoked links that a CA signed: the first one, and those of renewals', async () => {
    const { store } = current();
    const grant = await storedGrant(store, { redemptionsAllowed: 2 });
    const [revoked, other] = [sampleRedemption(grant.uid), sampleRedemption(grant.uid)];
    for (const redemption of [revoked, other]) await store.recordRedemption(grant.uid, redemption, NOW);
    const { issuerSha256 } = revoked;
    const renewals = [
      sampleRenewal(revoked.id, 1, { issuerSha256 }),
      sampleRenewal(revoked.id, 2),
      sampleRenewal(revoked.id, 3, { issuerSha256, notAfter: NOW + MINUTE }),
    ];
    for (const renewal of renewals) await recordRenewalOf(store, renewal, NOW);
    await store.revokeRedemption(revoked.id, NOW + 1);
    const listed = await store.listRevokedCertificates(issuerSha256, NOW + MINUTE);
    const certificateOf = ({ serial, notAfter }: { readonly serial: string; readonly notAfter: number }) => ({
      serial,
      notAfter,
      revokedAt: NOW + 1,
    });
    const wanted = [revoked, renewals[0] as Renewal].map(certificateOf);
    expect(listed).toHaveLength(2);
    expect(listed).toEqual(expect.arrayContaining(wanted));
  });

  describe('settings and numbers', () => {
    it('stores the last value of each setting', async () => {
      const { store } = current();
      expect(await store.getSetting('url')).toBeUndefined();
      await store.putSetting('url', 'https://a.example');
      await store.putSetting('url', 'https://b.example');
      expect(await store.getSetting('url')).toBe('https://b.example');
    });

    it('returns increasing numbers, none of them twice, to concurrent callers', async () => {
      const { store, openAnother } = current();
      const other = await openAnother();
      expect(await store.nextNumber('n', 7)).toBe(7);
      const requested = Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? store : other).nextNumber('n', 7),
      );
      const numbers = (await Promise.all(requested)).sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => 8 + index));
      expect(await other.nextNumber('n', 1_900_000_000_000)).toBe(1_900_000_000_000);
      expect(await store.nextNumber('n', 1_800_000_000_000)).toBe(1_900_000_000_001);
      expect(await store.nextNumber('another', 1)).toBe(1);
    });
  });
}
