import type { CertificateAuthority } from '../../pki/authority.js';
import { SignatureChecks } from '../../pki/certificate-chain.js';
import {
  namesHost,
  routerNames,
  splitCertificates,
  verificationProblem,
} from '../../pki/certificate-info.js';
import type { SiteRefusal } from '../ports/site.js';

/** A router's server certificate and what it trusts, as PEM. */
export interface RouterCredentials {
  readonly certificate: string;
  readonly trusted: string;
}

/** What the operator of a platform can do about a router that would not take a link. */
export interface TrustHints {
  readonly issuer: string;
  readonly router: string;
}

/**
 * Why a link that `issuer` signs could not come up with the router of `access`: it does not trust that CA, or what links
 * will trust does not verify its certificate. Undefined where nothing stands in the way.
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
    /** Shared by all routers that are judged together. */
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

/** True when the router's certificate names `host` as routers compare names. */
export function routerNamesHost(router: RouterCredentials, host: string): boolean {
  return namesHost(routerNames(router.certificate), host);
}

/** PEM of all that a link's client must trust: the issuer's CAs and those that its routers trust, each once. */
export function trustOfLink(issuer: CertificateAuthority, routers: readonly RouterCredentials[]): string {
  const bundles = [issuer.bundlePem, ...routers.map(({ trusted }) => trusted)];
  return [...new Set(bundles.flatMap(splitCertificates))].join('');
}
