import { setImmediate as yieldTurn } from 'node:timers/promises';
import type { StoredLink } from '../ports/link-store.js';
import type { Administration } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';
import { isListed, linkReport } from './link-report.js';
import { overviewOperation } from './overview.js';

// Parts that one request reads at most. The store bounds a part.
const MOST_PARTS = 4;

/** Operations on the links of a store, and on all of it. */
export function linkOperations(
  deps: AdministrationDependencies,
): Pick<Administration, 'listLinks' | 'readOverview' | 'readChanges'> {
  const { store, clock } = deps;
  return {
    async listLinks({ limit, after: start, grantUid, ...filter }) {
      const now = clock();
      const links: StoredLink[] = [];
      let after = start;
      for (let parts = 1; ; parts += 1) {
        const page = await store.listLinks(
          { limit: limit - links.length, grantUid, ...(after !== undefined && { after }) },
          (link) => isListed(link, filter, now),
        );
        links.push(...page.items);
        after = page.next;
        if (after === undefined || links.length >= limit || parts >= MOST_PARTS) break;
        await yieldTurn();
      }
      return {
        items: links.map((link) => linkReport(link, now)),
        ...(after !== undefined && { next: after }),
      };
    },
    readOverview: overviewOperation(deps),
    readChanges: (since) => store.readChanges(since),
  };
}
