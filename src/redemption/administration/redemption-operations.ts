import { AdministrationError } from '../../domain/administration-error.js';
import { labelsAndNoteProblem } from '../../domain/labels-and-note.js';
import { globMatchesIgnoringCase } from '../accepting/glob.js';
import { replacementIn } from '../accepting/renew.js';
import type { GrantStore, ListedRedemption, ListedRenewal, StoredRedemption } from '../ports/grant-store.js';
import type { Administration } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';
import { filteredPage } from './filtered-page.js';
import { PeerIndex } from './link-connections.js';
import { matchesSearch } from './links/matching-search.js';
import { renewalRefusal } from './links/refused-renewals.js';
import { entryReport } from './reports/event-report.js';
import {
  type RedemptionReport,
  type ReportContext,
  redemptionReport,
  renewalReport,
} from './reports/redemption-report.js';
import { rejectedError } from './request-values.js';
import { revokeRedemption } from './revoke-redemption.js';

// Maximum number of ledger entries in the report of a redemption: some months of a link that is renewed every few hours.
const MAX_ENTRIES = 1_000;

/** Operations on the redemptions of a store. */
export function redemptionOperations({
  store,
  clock,
  connections,
  readRetiredCas,
}: AdministrationDependencies): Pick<
  Administration,
  'listRedemptions' | 'showRedemption' | 'updateRedemption' | 'revokeRedemption'
> {
  const indexPeers = () => new PeerIndex(connections?.latest());
  const reportOf = (
    redemption: ListedRedemption,
    newest: ListedRenewal | undefined,
    context: ReportContext,
    peers: PeerIndex,
  ): RedemptionReport => {
    const connected = peers.isConnected(redemption);
    const report = redemptionReport(redemption, newest, clock(), context);
    return { ...report, ...(connected !== null && { connected }) };
  };
  /** The report of a single redemption, with why its renewal would be refused. */
  const singleReportOf = async (redemption: StoredRedemption, newest: ListedRenewal | undefined) => {
    const grant = await store.findGrant(redemption.grantUid);
    const { peer, notAfter } = newest ?? redemption;
    const context = {
      grant: redemption.grantName ?? grant?.name,
      isCaRetired: await readRetiredCas?.(),
      refusal: renewalRefusal({ ...redemption, peer, notAfter }, grant?.policy, clock()),
    };
    return reportOf(redemption, newest, context, indexPeers());
  };
  return {
    async listRedemptions({ namespace, subject, search, grantUid, since, labels, ...page }) {
      const peers = indexPeers();
      const isCaRetired = await readRetiredCas?.();
      const grantNames = new Map<string, string | undefined>();
      const nameOf = async (uid: string) => {
        if (!grantNames.has(uid)) grantNames.set(uid, (await store.findGrant(uid))?.name);
        return grantNames.get(uid);
      };
      const isWanted = (redemption: ListedRedemption) =>
        (namespace === undefined || redemption.namespace === namespace) &&
        (subject === undefined || globMatchesIgnoringCase(subject, redemption.subject));
      return filteredPage(
        page,
        (part) => store.listRedemptions({ ...part, grantUid, since, labels }, isWanted),
        async (redemption) => {
          const grant = redemption.grantName ?? (await nameOf(redemption.grantUid));
          const { peer, certificateSha256 } = redemption.newest ?? redemption;
          const searched = {
            ...redemption,
            peer,
            certificateSha256,
            ...(grant !== undefined && { grantName: grant }),
          };
          if (search !== undefined && !matchesSearch(search, searched)) return undefined;
          return reportOf(redemption, redemption.newest, { grant, isCaRetired }, peers);
        },
      );
    },
    async showRedemption(id) {
      const redemption = await requireRedemption(id, store);
      const renewals = await store.listRenewals(id);
      const entries = await store.listRedemptionEntries(id, MAX_ENTRIES);
      const replacedBy = replacementIn(entries);
      return {
        ...(await singleReportOf(redemption, renewals.at(-1))),
        certificate: redemption.certificate,
        ...(renewals.length > 0 && {
          renewals: renewals.map((renewal) => ({
            ...renewalReport(renewal),
            certificate: renewal.certificate,
          })),
        }),
        ...(replacedBy !== undefined && { replacedBy }),
        ledger: entries.map(entryReport),
      };
    },
    async updateRedemption(id, change) {
      const { labels } = await requireRedemption(id, store);
      const problem = labelsAndNoteProblem(change, labels);
      if (problem !== undefined) throw rejectedError(`the redemption was not changed: ${problem}`);
      await store.updateRedemption(id, change);
      const redemption = await requireRedemption(id, store);
      const renewed = await store.findRenewedRedemption(id);
      return singleReportOf(redemption, renewed?.renewals[0]);
    },
    async revokeRedemption(id, choice, note) {
      const problem = labelsAndNoteProblem({ note });
      if (problem !== undefined) throw rejectedError(`the redemption was not revoked: ${problem}`);
      const redemption = await requireRedemption(id, store);
      const revocation = await revokeRedemption(
        redemption,
        { choice },
        { store, now: clock(), isCaRetired: await readRetiredCas?.() },
      );
      if (note === undefined) return revocation;
      await store.updateRedemption(id, { note });
      return { ...revocation, redemption: { ...revocation.redemption, note } };
    },
  };
}

/** Returns the redemption with that id. Throws AdministrationError if there is none. */
export async function requireRedemption(
  id: string,
  store: Pick<GrantStore, 'findRedemption'>,
): Promise<StoredRedemption> {
  const redemption = await store.findRedemption(id);
  if (redemption) return redemption;
  throw new AdministrationError('no_such_redemption', `there is no redemption ${id}`);
}
