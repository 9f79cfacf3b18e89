import { formatTime } from '../../../domain/rfc3339.js';
import type { FoundCas, ListedCa, ListedIssuer } from '../../ports/issuers.js';
import { certificateLife } from '../../requesting/certificate-life.js';

/** A CA in a report: times in RFC 3339, hashes in lower-case hex. */
export interface AuthorityReport {
  /** `active` signs, `prepared` signs next, `retiring` has signed before, `trusted` is another CA in responses. */
  readonly role: ListedCa['state'];
  /** `expiring` if a third of its lifetime or less is left, `early` before its validity. */
  readonly state: 'valid' | 'expiring' | 'expired' | 'early';
  readonly subject: string;
  readonly sha256: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Of a retiring CA: when another CA began to sign. */
  readonly replacedAt?: string;
  /** Number of links that depend on it; null if they are not counted. */
  readonly links: number | null;
}

/** An issuer in a report, with its CAs, the active one first. */
export interface IssuerReport extends Omit<ListedIssuer, 'namespace' | 'isDefault'> {
  /** Absent for an issuer in the data directory. */
  readonly namespace?: string;
  /** True if it signs the links of grants that request no issuer. */
  readonly default: boolean;
  /** Number of grants that are pending or ready and whose links it signs. */
  readonly grants: number;
  readonly problem?: string;
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
  const life = certificateLife({ notBefore, notAfter }, now);
  return {
    role: ca.state,
    state: life === 'ending' ? 'expiring' : life,
    subject,
    sha256,
    notBefore: formatTime(notBefore),
    notAfter: formatTime(notAfter),
    ...(replacedAt !== null && { replacedAt: formatTime(replacedAt) }),
    links,
  };
}
