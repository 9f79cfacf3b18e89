import type { CertificateAuthority } from '../../pki/authority.js';
import { SignatureChecks } from '../../pki/certificate-chain.js';
import { splitCertificates, verificationProblem } from '../../pki/certificate-info.js';
import type { SiteRefusal } from '../ports/site.js';

/** A router's server certificate and the CAs that it trusts, as PEM. */
export interface RouterCredentials {
  readonly certificate: string;
  readonly trusted: string;
}

/** What the operator can do if the router does not trust the issuer, or if the router's own certificate does not verify. */
export interface TrustHints {
  readonly issuer: string;
  readonly router: string;
}

/**
 * Returns why a link that `issuer` signs could not connect to `router`: the router does not trust that CA, or its certificate
 * does not verify against the CAs that links trust. Undefined if the link could connect. `access` names the router.
 */
export function routerTrustRefusal(
  issuer: CertificateAuthority,
  router: RouterCredentials,
  {
    access,
    hints,
    now,
    checks = new SignatureChecks(),
  }: {
    readonly access: string;
    readonly hints: TrustHints;
    readonly now: number;
    /** Shared by all routers of one check. */
    readonly checks?: SignatureChecks;
  },
): SiteRefusal | undefined {
  const untrusted = verificationProblem(issuer.bundlePem, router.trusted, now, checks);
  if (untrusted !== undefined) {
    const reason = `the router does not trust ${issuer.description} at "${access}": ${untrusted}`;
    return { refused: 'issuer_untrusted', reason, hint: hints.issuer };
  }
  const unverified = verificationProblem(router.certificate, issuer.bundlePem + router.trusted, now, checks);
  if (unverified === undefined) return undefined;
  const reason = `the certificate of the router at "${access}" does not verify: ${unverified}`;
  return { refused: 'issuer_untrusted', reason, hint: hints.router };
}

/**
 * Returns the PEM of all CAs that a link's client must trust: those of the issuer and those that its routers trust, without
 * duplicates.
 */
export function trustOfLink(issuer: CertificateAuthority, routers: readonly RouterCredentials[]): string {
  const bundles = [issuer.bundlePem, ...routers.map(({ trusted }) => trusted)];
  return [...new Set(bundles.flatMap(splitCertificates))].join('');
}
