import { certificateState } from '../../../domain/issued-certificate.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { FoundCas, ListedCa, ListedIssuer } from '../../ports/issuers.js';
import type { Schemas } from './api-schemas.js';

/** A CA in a report: times in RFC 3339, hashes in lower-case hex. */
export type AuthorityReport = Schemas['Authority'];

/** An issuer in a report, with its CAs, the active one first. */
export type IssuerReport = Schemas['Issuer'];

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
