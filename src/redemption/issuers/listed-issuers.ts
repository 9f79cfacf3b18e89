import type { CertificateAuthority } from '../../pki/authority.js';
import { describeCertificate, splitCertificates } from '../../pki/certificate-info.js';
import type { IssuerUse } from '../ports/grant-store.js';
import type { FoundCas, ListedCa, ListedIssuer } from '../ports/issuers.js';
import type { SiteAccess, SiteRefusal } from '../ports/site.js';

/** The issuers of Skupper's site in a namespace: its default one, and those that grants of the namespace request. */
export function siteIssuers(
  namespace: string,
  defaultIssuer: string,
  used: readonly IssuerUse[],
): readonly ListedIssuer[] {
  const requested = used.flatMap((use) => (use.namespace === namespace ? (use.issuer ?? []) : []));
  return [...new Set([defaultIssuer, ...requested])].map((name) => {
    return { name, namespace, owner: 'skupper', signs: 'links', isDefault: name === defaultIssuer };
  });
}

/** The CA that signs, and the other CAs in `trustPem`. */
export function casOf(authority: CertificateAuthority, trustPem: string): readonly ListedCa[] {
  const others = splitCertificates(trustPem)
    .map(describeCertificate)
    .filter((ca) => ca.sha256 !== authority.sha256)
    .map((ca) => listedCa('trusted', ca));
  return [listedCa('active', { ...authority, subject: authority.description }), ...others];
}

function listedCa(
  state: ListedCa['state'],
  { subject, sha256, notBefore, notAfter }: Omit<ListedCa, 'state' | 'replacedAt'>,
): ListedCa {
  return { state, subject, sha256, notBefore, notAfter, replacedAt: null };
}

/** The CAs in the access to an issuer's site, or why there is no access. */
export function casOfAccess(access: SiteAccess | SiteRefusal): FoundCas {
  if ('refused' in access) return { cas: [], problem: access.reason };
  return { cas: casOf(access.issuer, access.caCrt) };
}
