import { commandContext } from '../../config/command-context.js';
import type { ListedKind } from '../../domain/ledger-kind.js';
import { everyItem, type PageRequest, pagesOf } from '../../redemption/ports/page.js';
import { parseTime } from '../flags/flag-values.js';
import type { GrantFlags } from '../grant/grant-create.js';
import { namedGrantUid } from '../grant/named-grant.js';
import { withAdministration } from '../session/administration-session.js';
import { type ListFlags, writeListing } from '../terminal/listing.js';
import { EVENT_LISTING } from './ledger-listing.js';

/** The flags of `ledger list`. */
export interface LedgerListFlags extends Omit<GrantFlags, 'output'>, ListFlags {
  readonly kind?: ListedKind;
  /** Patterns with `*` and `?`. */
  readonly actor?: string;
  readonly subject?: string;
  /** Name or uid of a grant, also of a deleted one. */
  readonly grant?: string;
  readonly since?: string;
  readonly until?: string;
}

/**
 * `ledger list`: prints the entries of the ledger and the totals of attempts, newest first; with `--watch` oldest first, because
 * later ones are printed below.
 */
export async function ledgerListCommand(flags: LedgerListFlags): Promise<void> {
  const now = commandContext().clock();
  const { kind, actor, subject, grant, ...settings } = flags;
  const since = parseTime('--since', flags.since, now);
  const until = parseTime('--until', flags.until, now);
  await withAdministration(settings, async ({ administration, namespace }) => {
    const grantUid = await namedGrantUid(administration, namespace, grant);
    const filter = { kind, actor, subject, grantUid, since, until };
    const list = (page: PageRequest) => administration.listEvents({ ...page, ...filter });
    const oldestFirst = async function* () {
      yield (await everyItem(list)).reverse();
    };
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    const emptyText = isFiltered ? 'No entry matches.\n' : EVENT_LISTING.emptyText;
    await writeListing(
      flags.watch ? oldestFirst : () => pagesOf(list),
      { ...EVENT_LISTING, emptyText },
      flags,
    );
  });
}
