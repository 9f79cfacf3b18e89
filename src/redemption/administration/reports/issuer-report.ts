import { type CertificateState, certificateState } from '../../../domain/issued-certificate.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { FoundCas, ListedCa, ListedIssuer } from '../../ports/issuers.js';

/** A CA in a report. Times are RFC 3339. */
export interface AuthorityReport {
  readonly role: ListedCa['state'];
  readonly state: CertificateState;
  /** The common name of the certificate, else its whole subject. */
  readonly subject: string;
  /** SHA-256 over the DER of the certificate, lower-case hex. */
  readonly sha256: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** When another CA became active in its place; only of a retiring CA. */
  readonly replacedAt?: string;
  /**
   * Number of links that depend on it. For the CA of the service: null, or, while it is retiring, the number of links that have
   * had no response since it was replaced.
   */
  readonly links: number | null;
}

/** An issuer in a report. */
export interface IssuerReport extends Pick<ListedIssuer, 'name' | 'owner' | 'signs'> {
  /** Namespace of its site; absent for an issuer in the data directory. */
  readonly namespace?: string;
  /** True if it signs the links of grants that request no issuer. */
  readonly default: boolean;
  /** Number of grants that are pending or ready and whose links it signs. */
  readonly grants: number;
  /** Why it cannot be read or cannot sign now. */
  readonly problem?: string;
  /** Its CAs, the active one first. */
  readonly authorities: readonly AuthorityReport[];
}

/** Returns the report of an issuer at `now`; `links` has the count for each of `cas`, in the same order. */
export function issuerReport(
  { name, namespace, owner, signs, isDefault }: ListedIssuer,
  { cas, problem }: FoundCas,
  { grants, links }: { readonly grants: number; readonly links: readonly (number | null)[] },
  now: number,
): IssuerReport {
  return {
    name,
    owner,
    signs,
    default: isDefault,
    grants,
    ...(namespace !== null && { namespace }),
    ...(problem !== undefined && { problem }),
    authorities: cas.map((ca, index) => authorityReport(ca, links[index] ?? null, now)),
  };
}

function authorityReport(ca: ListedCa, links: number | null, now: number): AuthorityReport {
  const { subject, sha256, notBefore, notAfter, replacedAt } = ca;
  return {
    role: ca.state,
    state: certificateState(ca, now),
    subject,
    sha256,
    notBefore: formatTime(notBefore),
    notAfter: formatTime(notAfter),
    ...(replacedAt !== null && { replacedAt: formatTime(replacedAt) }),
    links,
  };
}
