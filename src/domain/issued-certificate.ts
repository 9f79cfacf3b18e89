import { DAY_MS } from './duration.js';

/** A certificate that was issued for a link or a server. Hashes and the serial are lower-case hex. */
export interface IssuedCertificate {
  /** Certificate serial number, 32 digits. */
  readonly serial: string;
  /** SHA-256 over the certificate's SubjectPublicKeyInfo. */
  readonly keySha256: string;
  /** SHA-256 over the certificate's DER. */
  readonly certificateSha256: string;
  /** SHA-256 over the issuing CA certificate's DER. */
  readonly issuerSha256: string;
  /** End of the validity, in milliseconds since the epoch; always a whole second. */
  readonly notAfter: number;
  /** PEM of the certificate, followed by the issuer's intermediates. */
  readonly certificate: string;
}

/** A certificate that replaced a link's earlier one. */
export interface Renewal extends IssuedCertificate {
  readonly redemptionId: string;
  /** 1 for the first renewal of a redemption, then 2, without a gap: the highest is the newest. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly renewedAt: number;
  /** Address of the client, as text. */
  readonly peer: string;
}

/** How long after its expiry a link's newest certificate can still be renewed, in milliseconds. */
export const RENEWAL_GRACE_MS = 7 * DAY_MS;

/** Longest lifetime of a certificate that is renewed, in milliseconds. */
export const RENEWING_LIFETIME_MS = 30 * DAY_MS;

/** State of a certificate: `early` before its validity, `ending` if a third of its lifetime or less is left. */
export type CertificateLife = 'early' | 'valid' | 'ending' | 'expired';

/** State of a certificate at `now`; all times in milliseconds since the epoch. */
export function certificateLife(
  certificate: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): CertificateLife {
  const { notBefore, notAfter } = certificate;
  if (now < notBefore) return 'early';
  if (now > notAfter) return 'expired';
  return notAfter - now <= (notAfter - notBefore) / 3 ? 'ending' : 'valid';
}

/** What the owner of a link has to know before the link is renewed for the first time. */
export const RENEWAL_NEEDS_TIMER =
  'A renewed certificate is valid for 30 days: a link whose certificate was valid for longer cannot reconnect after that, unless a timer on its site runs `linkgrant link renew --all` at least daily.';

/** True if a certificate has at most the lifetime of a renewed link; times in milliseconds since the epoch. */
export function isShortLived(certificate: {
  readonly notBefore: number;
  readonly notAfter: number;
}): boolean {
  // The validity begins some minutes before the certificate is issued, to allow for slow clocks.
  return certificate.notAfter - certificate.notBefore <= RENEWING_LIFETIME_MS + DAY_MS;
}
