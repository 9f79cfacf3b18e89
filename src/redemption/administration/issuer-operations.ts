import { dependentsOf } from '../issuers/retire-issuer.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore, IssuerUse } from '../ports/grant-store.js';
import type { IssuerDirectory, ListedCa, ListedIssuer } from '../ports/issuers.js';
import { sortedPage } from '../ports/page.js';
import type { Administration } from './administration.js';
import { type IssuerReport, issuerReport } from './reports/issuer-report.js';

/** Dependencies of listing issuers. */
export interface IssuerListing {
  readonly issuers: IssuerDirectory;
  /** Undefined to count no grants and links. */
  readonly store:
    | Pick<
        GrantStore,
        'countGrantsByIssuer' | 'countDependents' | 'countIssuedBefore' | 'hasGrantCreatedBefore'
      >
    | undefined;
  readonly clock: Clock;
}

/** Implements {@link Administration.listIssuers}. */
export function issuerOperations(listing: IssuerListing): Pick<Administration, 'listIssuers'> {
  const { issuers, store, clock } = listing;
  return {
    async listIssuers(page) {
      const now = clock();
      const used = (await store?.countGrantsByIssuer(now)) ?? [];
      const listed = await issuers.list(used);
      const { items, ...rest } = sortedPage(listed, page, ['', '', ''], issuerSortKey);
      const links = await store?.countDependents(now);
      const reports: IssuerReport[] = [];
      // One after the other: to read the hundreds of issuers of a page at once would delay redemptions.
      for (const issuer of items) {
        const found = await issuers.read(issuer);
        const counts = {
          grants: grantsOf(issuer, used),
          links: await Promise.all(found.cas.map((ca) => linksOf(ca, issuer, found.cas, links, listing))),
        };
        reports.push(issuerReport(issuer, found, counts, now));
      }
      return { items: reports, ...rest };
    },
  };
}

function issuerSortKey({ namespace, name, owner }: ListedIssuer): [string, string, string] {
  return [namespace ?? '', name, owner];
}

function grantsOf(
  { name, namespace, owner, signs, isDefault }: ListedIssuer,
  used: readonly IssuerUse[],
): number {
  if (signs === 'service') return 0;
  const isUse = (use: IssuerUse) =>
    (namespace === null || use.namespace === namespace) &&
    // A grant cannot request an external CA.
    ((use.issuer === null && isDefault) || (use.issuer === name && owner !== 'external'));
  return used.filter(isUse).reduce((sum, { grants }) => sum + grants, 0);
}

/** Counts the links that depend on a CA; null without a store, and for a CA of the service that is not retiring. */
async function linksOf(
  ca: ListedCa,
  { signs }: ListedIssuer,
  cas: readonly ListedCa[],
  links: ReadonlyMap<string, number> | undefined,
  { store, clock }: IssuerListing,
): Promise<number | null> {
  if (!store || !links) return null;
  if (signs === 'links') return links.get(ca.sha256) ?? 0;
  return ca.state === 'retiring' ? (await dependentsOf(ca, { signs, cas }, { store, clock })).links : null;
}
