import type { GrantStore } from '../../../redemption/ports/grant-store.js';
import type { LedgerStore } from '../../../redemption/ports/ledger-store.js';
import type { RenewalStore } from '../../../redemption/ports/renewal-store.js';
import type { Attempted, AttemptRow } from './attempt-events.js';
import { listGrantResources } from './grant-resources.js';
import { attemptsOf, ledgerEntries } from './ledger.js';
import { OldLedgers } from './old-ledgers.js';
import { sortedPage } from './sorted-page.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';

type LedgerMethods = LedgerStore &
  Pick<RenewalStore, 'recordSuperseded'> &
  Pick<GrantStore, 'recordReplay' | 'recordRefusal' | 'listAttempts'>;

/** The part of the store that tells what happened: from the Redemptions, the grants and their Events. */
export function ledgerPart(parts: StoreParts): LedgerMethods {
  const { client, namespace, accounts, codes, attempts } = parts;
  const oldLedgers = new OldLedgers(parts);

  const note = async (attempted: Attempted, now: number, redemptionId: string | null): Promise<void> => {
    // An Event is of something that is there.
    const account = await accounts.find(attempted.grantUid);
    if (account) await attempts.add(account, attempted, now, redemptionId);
  };
  const noteAgain =
    (code: 'replayed' | 'superseded'): LedgerMethods['recordReplay'] =>
    ({ grantUid, name, subject, id }, peer, now) =>
      note({ grantUid, code, name, subject, peer }, now, id);
  const rows = (grantUid?: string): Promise<readonly AttemptRow[]> =>
    attempts.list(
      grantUid === undefined ? namespace : (accounts.known(grantUid)?.namespace ?? namespace),
      grantUid,
    );
  const entries = async (grantUid?: string) => {
    const [redemptions, grants, noted] = await Promise.all([
      listRedemptionResources(parts, grantUid),
      listGrantResources(client, namespace),
      codes.list(grantUid),
    ]);
    const all = ledgerEntries({ redemptions, grants, codes: noted });
    return grantUid === undefined ? all : all.filter((entry) => entry.grantUid === grantUid);
  };

  return {
    recordReplay: noteAgain('replayed'),
    recordSuperseded: noteAgain('superseded'),
    recordRefusal: ({ ...attempted }, now) => note(attempted, now, null),

    async listAttempts(grantUid, limit) {
      const [redemptions, others] = await Promise.all([
        listRedemptionResources(parts, grantUid),
        rows(grantUid),
      ]);
      return attemptsOf(redemptions, others, limit);
    },

    async listLedger(page) {
      const { grantUid, since = 0 } = page;
      const told = (await entries(grantUid)).filter(({ at }) => at >= since);
      return sortedPage(told, page, 2, (entry) => [entry.grantUid, entry.seq]);
    },

    async listAttemptTotals(page) {
      const { grantUid, since = 0 } = page;
      const told = (await rows(grantUid)).filter(({ lastAt }) => lastAt >= since);
      const { items, ...rest } = sortedPage(told, page, 5, (row) => [
        row.grantUid,
        row.code,
        row.name,
        row.subject,
        row.peer,
      ]);
      return { items: items.map(({ redemptionId: _, ...row }) => row), ...rest };
    },

    async verifyLedger(grantUid) {
      return { entries: (await entries(grantUid)).length, unchained: true };
    },

    // A grant is a resource that somebody made, and stays as long as they want it.
    deleteEndedGrants: async () => 0,
    removeOldLedger: (endedBefore) => oldLedgers.removeOne(endedBefore),
  };
}
