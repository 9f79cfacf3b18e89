import { describe, expect, it } from 'vitest';
import type { Redemption } from '../../../src/domain/redemption.js';
import type { IssuedLink } from '../../../src/redemption/ports/link-store.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import { eventually } from '../../support/until.js';
import type { CurrentStore } from './store-conformance.js';

const DAY = 24 * 60 * MINUTE;

/** Links, their counts, open tokens, refusals, and changes since a version. */
export function linkConformance(current: CurrentStore): void {
  describe('listing links', () => {
    const redeem = async (changes: Partial<Redemption> = {}): Promise<Redemption> => {
      const { store } = current();
      const grantUid = changes.grantUid ?? (await storedGrant(store, { redemptionsAllowed: 50 })).uid;
      const redemption = sampleRedemption(grantUid, changes);
      expect(await store.recordRedemption(grantUid, redemption, NOW)).toBe('recorded');
      return redemption;
    };
    const all = () => true;

    it('lists a link with its newest certificate and the last contact', async () => {
      const { store } = current();
      const redemption = await redeem({ jti: 'token-1', siteUid: 'site-uid' });
      const grant = await store.findGrant(redemption.grantUid);
      const { id, grantUid, namespace, mode, name, subject, jti, siteUid, issuer, createdAt } = redemption;
      const link = {
        id,
        grantUid,
        namespace,
        mode,
        name,
        subject,
        jti,
        siteUid,
        issuer,
        createdAt,
        revokedAt: null,
        firstNotAfter: redemption.notAfter,
        firstIssuerSha256: redemption.issuerSha256,
      };
      const none = { labels: {}, note: null };
      const first = {
        ...none,
        peer: redemption.peer,
        notAfter: redemption.notAfter,
        certificateSha256: redemption.certificateSha256,
        issuerSha256: redemption.issuerSha256,
        issuedAt: NOW,
        renewals: 0,
      };
      const grantName = grant?.name;
      expect((await store.listLinks({ limit: 10 }, all)).items).toEqual([{ ...link, ...first, grantName }]);
      const [issuerSha256, certificateSha256] = ['e'.repeat(64), 'd'.repeat(64)];
      for (const number of [1, 2])
        await recordRenewalOf(
          store,
          sampleRenewal(id, number, { renewedAt: NOW + number * MINUTE, issuerSha256, certificateSha256 }),
          NOW,
        );
      const second = {
        ...none,
        peer: '192.0.2.9',
        notAfter: NOW + 60 * DAY,
        certificateSha256,
        issuerSha256,
        issuedAt: NOW + 2 * MINUTE,
        renewals: 2,
      };
      const listed = { items: [{ ...link, ...second, grantName }] };
      await eventually(async () => expect(await store.listLinks({ limit: 10 }, all)).toEqual(listed));
      const labelled = { labels: { region: 'eu' }, note: 'in Berlin' };
      await store.updateRedemption(id, labelled);
      await eventually(async () => {
        const { items } = await store.listLinks({ limit: 10 }, all);
        expect(items).toMatchObject([{ id, ...labelled }]);
      });
      await store.revokeRedemption(id, NOW + DAY);
      await eventually(async () => {
        const { items } = await store.listLinks({ limit: 10 }, all);
        expect(items).toMatchObject([{ revokedAt: NOW + DAY }]);
      });
    });

    it('lists links newest first, of one grant or of all, in pages full of matching links', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { redemptionsAllowed: 50 });
      const made: Redemption[] = [];
      for (let n = 0; n < 7; n++)
        made.unshift(
          await redeem({
            ...(n % 3 !== 0 && { grantUid: uid }),
            createdAt: NOW + n * 1_000,
            name: `link-${n}`,
          }),
        );
      const walk = async (grantUid: string | undefined, matches: (link: IssuedLink) => boolean) => {
        const pages: string[][] = [];
        let after: string | undefined;
        do {
          const start = after === undefined ? {} : { after };
          const page = await store.listLinks({ limit: 2, grantUid, ...start }, matches);
          pages.push(page.items.map(({ name }) => name));
          after = page.next;
        } while (after !== undefined);
        return pages;
      };
      const names = (wanted: readonly Redemption[]) => wanted.map(({ name }) => name);
      expect((await walk(undefined, all)).flat()).toEqual(names(made));
      const ofGrant = made.filter(({ grantUid }) => grantUid === uid);
      expect((await walk(uid, all)).flat()).toEqual(names(ofGrant));
      const odd = ({ name }: IssuedLink) => ['link-1', 'link-3', 'link-5'].includes(name);
      expect(await walk(undefined, odd)).toEqual([['link-5', 'link-3'], ['link-1']]);
      await expect(store.listLinks({ limit: 2, after: 'nonsense' }, all)).rejects.toThrow(RangeError);
    });

    it('finds every link with the same subject or token, in which no character is a wildcard', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { redemptionsAllowed: 50 });
      const made = [
        await redeem({ grantUid: uid, subject: 'east', jti: 'a' }),
        await redeem({ grantUid: uid, subject: 'east' }),
        await redeem({ grantUid: uid, subject: 'EAST', jti: 'a' }),
        await redeem({ grantUid: uid, subject: "e'a%t", jti: 'b' }),
        await redeem({ subject: 'east', jti: 'a' }),
      ];
      const found = async (subject: string, jti: string | null, grantUid?: string) => {
        const matches = (link: IssuedLink) => link.subject === subject || (jti !== null && link.jti === jti);
        const page = await store.listLinks({ limit: 50, grantUid, sameAs: { subject, jti } }, matches);
        return page.items.map(({ id }) => made.findIndex((redemption) => redemption.id === id)).sort();
      };
      await eventually(async () => expect(await found('east', 'a')).toEqual([0, 1, 2, 4]));
      expect(await found('east', 'a', uid)).toEqual([0, 1, 2]);
      expect(await found('east', null, uid)).toEqual([0, 1]);
      expect(await found("e'a%t", 'x', uid)).toEqual([3]);
      expect(await found('e', null, uid)).toEqual([]);
    });

    it('counts links by state, and those that are overdue for renewal', async () => {
      const { store } = current();
      await redeem();
      await redeem({ createdAt: NOW - 25 * DAY, notAfter: NOW + 5 * DAY });
      await redeem({ createdAt: NOW - 19 * DAY, notAfter: NOW + 11 * DAY });
      await redeem({ createdAt: NOW - 24 * DAY, notAfter: NOW + 8 * DAY });
      await redeem({ createdAt: NOW - DAY, notAfter: NOW + 5 * DAY });
      await redeem({ createdAt: NOW - 30 * DAY, notAfter: NOW });
      const renewed = await redeem({ createdAt: NOW - 30 * DAY, notAfter: NOW });
      await recordRenewalOf(store, sampleRenewal(renewed.id, 1), NOW);
      const revoked = await redeem({ createdAt: NOW - 30 * DAY, notAfter: NOW });
      await store.revokeRedemption(revoked.id, NOW);
      const overdue = { notRenewing: 2, validNotRenewing: 1 };
      const counts = { valid: 5, expiring: 1, expired: 1, revoked: 1, ...overdue };
      expect(await store.countLinks(NOW)).toEqual(counts);
    });

    it('counts the signed tokens that can still be redeemed', async () => {
      const { store } = current();
      const ready = (await storedGrant(store, { redemptionsAllowed: 50 })).uid;
      const revoked = (await storedGrant(store, { revokedAt: NOW - 1 })).uid;
      const code = (grantUid: string, jti: string, expirationTime = NOW + MINUTE) => ({
        grantUid,
        jti,
        uses: 1,
        used: 0,
        expirationTime,
        subject: null,
        issuedAt: NOW,
        revokedAt: null,
      });
      const codes = [
        code(ready, 'open'),
        code(ready, 'used'),
        code(ready, 'ended', NOW),
        code(revoked, 'old'),
      ];
      for (const one of codes) await store.createCode(one);
      expect(await store.countOpenCodes(NOW)).toBe(2);
      const used = sampleRedemption(ready, { jti: 'used' });
      const rules = { signedCode: code(ready, 'used') };
      expect(await store.recordRedemption(ready, used, NOW, rules)).toBe('recorded');
      await eventually(async () => expect(await store.countOpenCodes(NOW)).toBe(1));
    });

    it('counts refusals by code since a time, without replays', async () => {
      const { store } = current();
      const redemption = await redeem();
      const { grantUid, name, subject } = redemption;
      const refuse = (code: 'grant_expired' | 'policy_source', peer: string, now: number) =>
        store.recordRefusal({ grantUid, code, name, subject, peer }, now);
      await refuse('grant_expired', '192.0.2.1', NOW);
      await refuse('grant_expired', '192.0.2.1', NOW + 1);
      await refuse('grant_expired', '192.0.2.2', NOW + 2);
      await refuse('policy_source', '192.0.2.1', NOW);
      await refuse('policy_source', '192.0.2.3', NOW - DAY);
      for (const _ of [1, 2]) await store.recordReplay(redemption, '192.0.2.1', NOW);
      expect((await store.countRefusals(NOW)).byCode).toEqual([
        { code: 'grant_expired', count: 3, lastAt: NOW + 2 },
        { code: 'policy_source', count: 1, lastAt: NOW },
      ]);
    });

    it('reports changes by another connection since a version', async () => {
      const { store, openAnother } = current();
      const another = await openAnother();
      const before = await store.readChanges();
      expect(before.changed).toEqual([]);
      expect(await store.readChanges(before.version)).toEqual(before);
      const grant = await storedGrant(another, { redemptionsAllowed: 50 });
      const changed = (since: string, ...resources: string[]) =>
        eventually(async () => {
          const changes = await store.readChanges(since);
          expect(changes.changed).toEqual(expect.arrayContaining(resources));
          return changes.version;
        });
      const made = await changed(before.version, 'grants', 'ledger');
      const redemption = sampleRedemption(grant.uid);
      await another.recordRedemption(grant.uid, redemption, NOW);
      const redeemed = await changed(made, 'grants', 'links', 'ledger');
      await recordRenewalOf(another, sampleRenewal(redemption.id, 1), NOW);
      const renewed = await changed(redeemed, 'links', 'ledger');
      await another.updateRedemption(redemption.id, { labels: { region: 'eu' } });
      const labelled = await changed(renewed, 'links');
      await another.updateGrant(grant.uid, { note: 'for the branches' });
      await changed(labelled, 'grants');
      await expect(store.readChanges('nonsense')).rejects.toThrow(RangeError);
    });
  });
}
