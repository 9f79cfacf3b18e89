import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { sortedLinks } from '../../../../src/redemption/administration/links/sorted-links.js';
import type { IssuedLink } from '../../../../src/redemption/ports/link-store.js';
import { NOW } from '../../../support/store-samples.js';

it.each(['subject', '-subject'] as const)(
  'links sorted by %s are paged, also if a tenant of a cluster wrote subjects with NUL or of any length',
  async (sort) => {
    const subjects = ['\0b', 'a', '\0'.repeat(3_000), '"'.repeat(6_000), '\u0001'.repeat(400), 'c'];
    const links = subjects.map((subject) => ({ id: randomUUID(), subject }) as unknown as IssuedLink);
    const store = { listLinks: async () => ({ items: links }) };
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await sortedLinks(store, { limit: 1, after, sort }, () => true, NOW);
      found.push(...page.items.map(({ id }) => id));
      after = page.next;
      // The admin API accepts no longer cursor.
      expect(after?.length ?? 0).toBeLessThan(4_096);
    } while (after !== undefined);
    expect(found.sort()).toEqual(links.map(({ id }) => id).sort());
  },
);
