import { globMatches } from '../../../domain/glob.js';
import {
  isNotRenewing,
  type LinkState,
  type LinkTimes,
  linkState,
} from '../../../domain/issued-certificate.js';
import { type LabelSelector, selectsLabels } from '../../../domain/label-selector.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { IssuedLink } from '../../ports/link-store.js';
import type { Schemas } from './api-schemas.js';

/** A link in JSON: a redemption with its newest certificate. Times are RFC 3339. */
export type LinkReport = Schemas['Link'];

/** Filter of listed links. */
export interface LinkFilter {
  readonly namespace?: string | undefined;
  readonly grantUid?: string | undefined;
  /** With `*` and `?`. */
  readonly subject?: string | undefined;
  readonly state?: LinkState | undefined;
  /** Whether it is overdue for renewal. */
  readonly notRenewing?: boolean | undefined;
  readonly labels?: LabelSelector | undefined;
  /**
   * Links that depend on the CA with this SHA-256, or whose SHA-256 begins with these digits: not revoked, and their newest
   * certificate is valid and signed by it.
   */
  readonly signedBy?: string | undefined;
}

/** Returns the report of a link at `now`; `connected` is null if that is not known. */
export function linkReport(link: IssuedLink, now: number, connected: boolean | null): LinkReport {
  const { id, grantName, grantUid, namespace, mode, name, subject, peer, jti } = link;
  const { issuerSha256, renewals, revokedAt, labels, note } = link;
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
    issuerSha256,
    renewals,
    lastContact: formatTime(link.issuedAt),
    state: linkState(link, now),
    notRenewing: isNotRenewing(link, now),
    connected,
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
    labels,
    ...(note !== null && { note }),
  };
}

/** True if a link matches this filter at `now`. */
export function isListed(link: IssuedLink, filter: LinkFilter, now: number): boolean {
  const { namespace, subject, labels } = filter;
  return (
    (namespace === undefined || link.namespace === namespace) &&
    (subject === undefined || globMatches(subject, link.subject)) &&
    (labels === undefined || selectsLabels(labels, link.labels)) &&
    isInState(link, filter, now)
  );
}

/** The fields of a link that determine its state and its signer. */
type CertifiedLink = LinkTimes & Pick<IssuedLink, 'issuerSha256'>;

/** True if the state and the signer of a link match this filter at `now`. */
export function isInState(
  link: CertifiedLink,
  { state, notRenewing, signedBy }: Pick<LinkFilter, 'state' | 'notRenewing' | 'signedBy'>,
  now: number,
): boolean {
  return (
    (state === undefined || linkState(link, now) === state) &&
    (notRenewing === undefined || isNotRenewing(link, now) === notRenewing) &&
    (signedBy === undefined || dependsOn(signedBy, link, now))
  );
}

/** True if RenewalStore.countDependents counts this link for the CA `signer`. */
function dependsOn(
  signer: string,
  { issuerSha256, revokedAt, notAfter }: CertifiedLink,
  now: number,
): boolean {
  return issuerSha256.startsWith(signer) && revokedAt === null && notAfter > now;
}
