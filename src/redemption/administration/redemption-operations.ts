import { AdministrationError } from '../../domain/administration-error.js';
import { labelsAndNoteProblem } from '../../domain/labels-and-note.js';
import { globMatchesIgnoringCase } from '../accepting/glob.js';
import { replacementIn } from '../accepting/renew.js';
import type { IsCaRetired } from '../issuers/retired-cas.js';
import type { GrantStore, ListedRedemption, ListedRenewal, StoredRedemption } from '../ports/grant-store.js';
import type { Administration } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';
import { filteredPage } from './filtered-page.js';
import { PeerIndex } from './link-connections.js';
import { matchesSearch } from './links/matching-search.js';
import { entryReport } from './reports/event-report.js';
import { type RedemptionReport, redemptionReport, renewalReport } from './reports/redemption-report.js';
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
    grant: string | undefined,
    isCaRetired: IsCaRetired | undefined,
    peers = indexPeers(),
  ): RedemptionReport => {
    const connected = peers.isConnected(redemption);
    const report = redemptionReport(redemption, newest, clock(), { grant, isCaRetired });
    return { ...report, ...(connected !== null && { connected }) };
  };
  const findGrantName = async (uid: string) => (await store.findGrant(uid))?.name;
  const grantNameOf = async ({ grantName, grantUid }: StoredRedemption) =>
    grantName ?? findGrantName(grantUid);
  return {
    async listRedemptions({ namespace, subject, search, grantUid, since, labels, ...page }) {
      const peers = indexPeers();
      const isCaRetired = await readRetiredCas?.();
      const grantNames = new Map<string, string | undefined>();
      const nameOf = async (uid: string) => {
        if (!grantNames.has(uid)) grantNames.set(uid, await findGrantName(uid));
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
          return reportOf(redemption, redemption.newest, grant, isCaRetired, peers);
        },
      );
    },
    async showRedemption(id) {
      const redemption = await requireRedemption(id, store);
      const renewals = await store.listRenewals(id);
      const entries = await store.listRedemptionEntries(id, MAX_ENTRIES);
      const replacedBy = replacementIn(entries);
      const grant = await grantNameOf(redemption);
      return {
        ...reportOf(redemption, renewals.at(-1), grant, await readRetiredCas?.()),
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
      const grant = await grantNameOf(redemption);
      return reportOf(redemption, renewed?.renewals[0], grant, await readRetiredCas?.());
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
