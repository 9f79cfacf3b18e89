import { setImmediate as yieldTurn } from 'node:timers/promises';
import { ACTOR_KIND } from '../../domain/actor.js';
import { globMatchesIgnoringCase, longestLiteral } from '../accepting/glob.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { ListedEntry } from '../ports/ledger-store.js';
import { type Page, rowsToRead } from '../ports/page.js';
import type { Administration, LedgerFilter } from './administration.js';
import { type EventReport, entryReport } from './reports/event-report.js';

// A step of a search in a database reads at most 10,000 entries, and blocks the process for about 30 ms if that is SQLite.
const MAX_STEPS = 20;

/** Operations on the ledger of a store. */
export function ledgerOperations({
  store,
}: {
  readonly store: Pick<GrantStore, 'listLedger'>;
}): Pick<Administration, 'listEvents'> {
  return {
    async listEvents({ limit, after, actor, subject, ...filter }) {
      const hints = {
        ...(actor !== undefined && { actorPart: longestLiteral(actor) }),
        ...(subject !== undefined && { subjectPart: longestLiteral(subject) }),
      };
      const wanted = (entry: ListedEntry) => isWanted(entry, { actor, subject });
      const items: EventReport[] = [];
      let next = after;
      for (let step = 1; ; step++) {
        const part = { limit: limit - items.length, after: next };
        const page: Page<ListedEntry> = await store.listLedger({ ...part, ...filter, ...hints }, wanted);
        items.push(...page.items.map(entryReport));
        next = page.next;
        if (next === undefined || items.length >= rowsToRead(limit) - 1 || step === MAX_STEPS)
          return { items, ...(next !== undefined && { next }) };
        await yieldTurn();
      }
    },
  };
}

function isWanted(
  { detail }: ListedEntry,
  { actor, subject }: Pick<LedgerFilter, 'actor' | 'subject'>,
): boolean {
  return matches(actor, ...actorTexts(actor, detail)) && matches(subject, detail.subject);
}

/**
 * Returns the texts of an entry that the pattern for actors can match. The subject of an OIDC user and its name can be
 * "local:root", so a pattern that begins with a kind is only for the whole actor.
 */
function actorTexts(glob: string | undefined, { actor, actorName }: ListedEntry['detail']) {
  if (actor === undefined || (glob !== undefined && ACTOR_KIND.test(glob))) return [actor];
  return [actor, String(actor).replace(ACTOR_KIND, ''), actorName];
}

function matches(glob: string | undefined, ...values: readonly (string | number | undefined)[]): boolean {
  return (
    glob === undefined ||
    values.some((value) => value !== undefined && globMatchesIgnoringCase(glob, String(value)))
  );
}
