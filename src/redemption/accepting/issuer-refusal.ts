import type { Refusal } from '../../domain/redemption-error.js';
import type { CertificateAuthority } from '../../pki/authority.js';
import { isValidForIssue } from '../../pki/certificates.js';

/**
 * Returns the refusal if a CA cannot issue a certificate at `now`; undefined if it can. The site has checked its CA, but since then
 * the CA may have expired, or the clock may have been set.
 */
export function issuerRefusal(
  issuer: CertificateAuthority,
  now: number,
): (Refusal & { readonly reason: string }) | undefined {
  if (isValidForIssue(issuer, now)) return undefined;
  return { refused: 'issuer_unavailable', reason: `${issuer.description} is not valid at this time` };
}
