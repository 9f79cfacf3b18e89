import { DAY_MS } from './duration.js';

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

/** True if a certificate has at most the lifetime of a renewed link; times in milliseconds since the epoch. */
export function isShortLived(certificate: {
  readonly notBefore: number;
  readonly notAfter: number;
}): boolean {
  // The validity begins some minutes before the certificate is issued, to allow for slow clocks.
  return certificate.notAfter - certificate.notBefore <= RENEWING_LIFETIME_MS + DAY_MS;
}
