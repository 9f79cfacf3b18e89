import { describe, expect, it } from 'vitest';
import type { Redemption } from '../../../src/domain/redemption.js';
import { sortedLinks } from '../../../src/redemption/administration/links/sorted-links.js';
import type { LinkPage, LinkSort } from '../../../src/redemption/administration/reports/link-report.js';
import type { IssuedLink } from '../../../src/redemption/ports/link-store.js';
import type { Matches } from '../../../src/redemption/ports/page.js';
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

/** Sorted pages of links. */
export function sortedLinkConformance(current: CurrentStore): void {
  describe('listing links in an order', () => {
    const redeem = async (grantUid: string, changes: Partial<Redemption>): Promise<Redemption> => {
      const redemption = sampleRedemption(grantUid, changes);
      expect(await current().store.recordRedemption(grantUid, redemption, NOW)).toBe('recorded');
      return redemption;
    };

    const subjects = ['site-10', 'Site-2', 'east', 'EAST', 'site-2', 'Zürich', 'zebra', 'سايت', '😀', 'a b'];
    const inOrder = ['😀', 'a b', 'east', 'EAST', 'site-2', 'Site-2', 'site-10', 'zebra', 'Zürich', 'سايت'];

    /** Walks from the first page to the last one and back. Returns the subjects of the pages in the order of the walk. */
    async function walkBothWays(read: (after?: string) => Promise<LinkPage<IssuedLink>>, pageSize: number) {
      const pages: string[][] = [];
      const add = async (after?: string) => {
        const page = await read(after);
        expect((page.before ?? 0) % pageSize).toBe(0);
        pages.push(page.items.map(({ subject }) => subject));
        return page;
      };
      let page = await add();
      while (page.next !== undefined) page = await add(page.next);
      while (page.before !== 0) page = await add(page.previous);
      return pages;
    }

    it('sorts links, and pages forwards and backwards through the same pages, with their positions', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { redemptionsAllowed: 50 });
      // Two of them have the same times.
      for (const [n, subject] of subjects.entries())
        await redeem(uid, {
          ...{ subject, createdAt: NOW + (n >> 1) * 1_000 },
          notAfter: NOW + (50 - n) * DAY,
        });
      const sorted = (
        sort: LinkSort,
        limit: number,
        after?: string,
        matches: Matches<IssuedLink> = () => true,
      ) => sortedLinks(store, { sort, limit, after, grantUid: uid }, matches, NOW);
      await eventually(async () => expect((await sorted('subject', 50)).total).toBe(10));
      const subjectsBy = async (sort: LinkSort) =>
        (await sorted(sort, 50)).items.map(({ subject }) => subject);
      expect(await subjectsBy('subject')).toEqual(inOrder);
      expect(await subjectsBy('-subject')).toEqual(inOrder.toReversed());
      expect(await subjectsBy('notAfter')).toEqual(subjects.toReversed());
      expect(await subjectsBy('-notAfter')).toEqual(subjects);
      for (const sort of ['subject', '-since', 'grant', 'state', '-lastContact'] as const) {
        const whole = await subjectsBy(sort);
        expect(whole.toSorted(), sort).toEqual(subjects.toSorted());
        const pages = [whole.slice(0, 4), whole.slice(4, 8), whole.slice(8)];
        const walked = await walkBothWays((after) => sorted(sort, 4, after), 4);
        expect(walked, sort).toEqual([...pages, ...pages.slice(0, 2).reverse()]);
      }
      const isEast = ({ subject }: IssuedLink) => subject.toLowerCase() === 'east';
      const east = await sorted('-subject', 1, undefined, isEast);
      expect(east).toMatchObject({ items: [{ subject: 'EAST' }], total: 2, before: 0 });
      expect(await sorted('-subject', 1, east.next, isEast)).toEqual({
        ...{ items: [expect.objectContaining({ subject: 'east' })], total: 2, before: 1 },
      });
      await expect(sorted('since', 1, east.next)).rejects.toThrow(RangeError);
      await expect(sorted('subject', 1, 'nonsense')).rejects.toThrow(RangeError);
    });

    it('begins a sorted page after the same link while links are added, revoked and renewed', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { redemptionsAllowed: 50 });
      const made: Redemption[] = [];
      for (const subject of ['b', 'd', 'f', 'h', 'j', 'l']) made.push(await redeem(uid, { subject }));
      const isLive = ({ revokedAt }: IssuedLink) => revokedAt === null;
      const read = async (after?: string) => {
        const page = await sortedLinks(
          store,
          { sort: 'subject', limit: 2, after, grantUid: uid },
          isLive,
          NOW,
        );
        return { ...page, subjects: page.items.map(({ subject }) => subject).join() };
      };
      const first = await eventually(async () => {
        const page = await read();
        expect(page).toMatchObject({ subjects: 'b,d', total: 6, before: 0 });
        return page;
      });
      expect(await read(first.next)).toMatchObject({ subjects: 'f,h', before: 2 });
      for (const subject of ['a', 'c', 'e', 'g']) await redeem(uid, { subject });
      // The link after which the second page begins.
      await store.revokeRedemption(made[1]?.id ?? '', NOW);
      await recordRenewalOf(store, sampleRenewal(made[2]?.id ?? '', 1), NOW);
      const second = await eventually(async () => {
        const page = await read(first.next);
        expect(page).toMatchObject({ subjects: 'e,f', total: 9, before: 3 });
        return page;
      });
      const third = await read(second.next);
      expect([third.subjects, (await read(third.next)).subjects]).toEqual(['g,h', 'j,l']);
      expect(await read(second.previous)).toMatchObject({ subjects: 'b,c', before: 1 });
    });
  });
}
