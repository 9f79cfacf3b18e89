import {
  isNotRenewing,
  type LinkState,
  type LinkTimes,
  linkState,
} from '../../../domain/issued-certificate.js';
import { type LabelSelector, selectsLabels } from '../../../domain/label-selector.js';
import type { Labels } from '../../../domain/labels-and-note.js';
import type { RedemptionMode } from '../../../domain/redemption.js';
import type { RedemptionErrorCode } from '../../../domain/redemption-error.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { IsCaRetired } from '../../issuers/retired-cas.js';
import type { IssuedLink } from '../../ports/link-store.js';
import type { Page } from '../../ports/page.js';
import { matchesSearch } from '../links/matching-search.js';
import type { FindRenewalRefusal } from '../links/refused-renewals.js';
import { canConnect, lifeOfLink } from '../remaining.js';

/** A link in JSON: a redemption with its newest certificate. Times are RFC 3339. */
export interface LinkReport {
  /** Id of its redemption. */
  readonly id: string;
  /** Name of its grant; absent if the grant was deleted. */
  readonly grant?: string;
  readonly grantUid: string;
  readonly namespace: string;
  readonly mode: RedemptionMode;
  readonly name: string;
  readonly subject: string;
  /** Address of the client at the last contact. */
  readonly peer: string;
  /** Id of the signed token that was redeemed. */
  readonly jti?: string;
  /** When the token was redeemed. */
  readonly since: string;
  /** When the newest certificate ends. */
  readonly notAfter: string;
  /** SHA-256 of the newest certificate, lower-case hex. */
  readonly certificateSha256: string;
  /** SHA-256 of the CA that signed the newest certificate, lower-case hex. */
  readonly issuerSha256: string;
  readonly renewals: number;
  /** When the newest certificate was issued. */
  readonly lastContact: string;
  readonly state: LinkState;
  /** True if it is overdue for renewal. */
  readonly notRenewing: boolean;
  /** Whether its site is connected now; null if that is not known. */
  readonly connected: boolean | null;
  readonly revokedAt?: string;
  /** When its last valid certificate expires; absent if it cannot connect. */
  readonly connectsUntil?: string;
  /** Why a renewal would be refused; present only in a list with the filter `renewalRefused`. */
  readonly renewalRefusal?: RedemptionErrorCode;
  readonly labels: Labels;
  readonly note?: string;
}

/** What links can be sorted by: members of their reports. */
export const LINK_SORTS = ['subject', 'grant', 'state', 'since', 'lastContact', 'notAfter'] as const;

/** A member by which links are sorted; `-` before it reverses the order. */
export type LinkSort = `${'' | '-'}${(typeof LINK_SORTS)[number]}`;

/** A page of a list of links. The other members are present if the list is sorted. */
export interface LinkPage<T = LinkReport> extends Page<T> {
  /** Number of matching links. */
  readonly total?: number;
  /** Number of matching links before this page. */
  readonly before?: number;
  /** What to pass as `after` for the page before this one; absent if that is the first page, or if this one is. */
  readonly previous?: string;
}

/** Filter of listed links. */
export interface LinkFilter {
  readonly namespace?: string | undefined;
  readonly grantUid?: string | undefined;
  /** As {@link matchesSearch} compares it. */
  readonly search?: string | undefined;
  readonly state?: LinkState | undefined;
  /** Whether it is overdue for renewal. */
  readonly notRenewing?: boolean | undefined;
  readonly labels?: LabelSelector | undefined;
  /**
   * Links that depend on the CA with this SHA-256, or whose SHA-256 begins with these digits: not revoked, and their newest
   * certificate is valid and signed by it.
   */
  readonly signedBy?: string | undefined;
  /**
   * Links that can connect now, and cannot from before this time on unless they are renewed, in milliseconds since the epoch: not
   * revoked, and their newest certificate is valid and ends before it.
   */
  readonly expiresBefore?: number | undefined;
  /** True: links whose renewal the present rules of their grants refuse, as `renewalRefusal` of refused-renewals.ts decides. */
  readonly renewalRefused?: boolean | undefined;
}

/** What the report of a link needs beside the link. */
interface LinkContext {
  /** Null if it is not known. */
  readonly connected: boolean | null;
  /** Returns whether the CA of a certificate was retired. */
  readonly isCaRetired?: IsCaRetired | undefined;
  /** By default the report does not say why a renewal would be refused. */
  readonly refusalOf?: FindRenewalRefusal | undefined;
}

/** Returns the report of a link at `now`. */
export function linkReport(
  link: IssuedLink,
  now: number,
  { connected, isCaRetired, refusalOf }: LinkContext,
): LinkReport {
  const { id, grantName, grantUid, namespace, mode, name, subject, peer, jti } = link;
  const { certificateSha256, issuerSha256, renewals, revokedAt, labels, note } = link;
  const first = { ...link, notAfter: link.firstNotAfter, issuerSha256: link.firstIssuerSha256 };
  const life = lifeOfLink(first, link, isCaRetired);
  const refusal = refusalOf?.(link);
  return {
    id,
    ...(grantName !== undefined && { grant: grantName }),
    grantUid,
    namespace,
    mode,
    name,
    subject,
    peer,
    ...(jti !== null && { jti }),
    since: formatTime(link.createdAt),
    notAfter: formatTime(link.notAfter),
    certificateSha256,
    issuerSha256,
    renewals,
    lastContact: formatTime(link.issuedAt),
    state: linkState(link, now),
    notRenewing: isNotRenewing(link, now),
    connected,
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
    ...(canConnect(life, now) && { connectsUntil: formatTime(life.connectsUntil) }),
    ...(refusal && { renewalRefusal: refusal }),
    labels,
    ...(note !== null && { note }),
  };
}

/** True if a link matches this filter at `now`. */
export function isListed(link: IssuedLink, filter: LinkFilter, now: number): boolean {
  const { namespace, search, labels } = filter;
  return (
    (namespace === undefined || link.namespace === namespace) &&
    (labels === undefined || selectsLabels(labels, link.labels)) &&
    isInState(link, filter, now) &&
    (search === undefined || matchesSearch(search, link))
  );
}

/** The fields of a link that determine its state, its signer and its expiry. */
type CertifiedLink = LinkTimes & Pick<IssuedLink, 'issuerSha256'>;

/** True if the state, the signer and the expiry of a link match this filter at `now`. */
export function isInState(
  link: CertifiedLink,
  {
    state,
    notRenewing,
    signedBy,
    expiresBefore,
  }: Pick<LinkFilter, 'state' | 'notRenewing' | 'signedBy' | 'expiresBefore'>,
  now: number,
): boolean {
  return (
    (state === undefined || linkState(link, now) === state) &&
    (notRenewing === undefined || isNotRenewing(link, now) === notRenewing) &&
    (signedBy === undefined || dependsOn(signedBy, link, now)) &&
    (expiresBefore === undefined || (isUsable(link, now) && link.notAfter < expiresBefore))
  );
}

/** True if RenewalStore.countDependents counts this link for the CA `signer`. */
function dependsOn(signer: string, link: CertifiedLink, now: number): boolean {
  return link.issuerSha256.startsWith(signer) && isUsable(link, now);
}

function isUsable({ revokedAt, notAfter }: LinkTimes, now: number): boolean {
  return revokedAt === null && notAfter > now;
}
