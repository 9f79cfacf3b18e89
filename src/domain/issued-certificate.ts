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

/** State of a certificate: `early` before its validity, `expiring` if a third of its lifetime or less is left. */
export type CertificateState = 'early' | 'valid' | 'expiring' | 'expired';

/** Every state of a link. */
export const LINK_STATES = ['valid', 'expiring', 'expired', 'revoked'] as const;

/** State of a link: `expiring` if its newest certificate expires within 7 days and has at most a third of its lifetime left. */
export type LinkState = (typeof LINK_STATES)[number];

/** A link is `expiring` at most this long before its end, in milliseconds. A site that renews its links has renewed it by then. */
export const EXPIRING_MS = 7 * DAY_MS;

/** The times that determine the state of a link, in milliseconds since the epoch. */
export interface LinkTimes {
  readonly revokedAt: number | null;
  /** When its newest certificate was issued. */
  readonly issuedAt: number;
  /** When its newest certificate expires. */
  readonly notAfter: number;
}

/** The validity of a certificate, in milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** When a link becomes `expiring` if it is not renewed or revoked before. */
export function expiringAt({ issuedAt, notAfter }: LinkTimes): number {
  return Math.max(lastThirdAt(issuedAt, notAfter), notAfter - EXPIRING_MS);
}

/** When a link becomes overdue for renewal if it is not renewed or revoked before. */
export function notRenewingAt({ issuedAt, notAfter }: LinkTimes): number {
  return notAfter - Math.floor((notAfter - issuedAt) / 4);
}

/** The state of a link at `now`. */
export function linkState(link: LinkTimes, now: number): LinkState {
  if (link.revokedAt !== null) return 'revoked';
  return stateUntil(link.notAfter, expiringAt(link), now);
}

/** The state of a certificate at `now`. */
export function certificateState({ notBefore, notAfter }: Validity, now: number): CertificateState {
  if (now < notBefore) return 'early';
  return stateUntil(notAfter, lastThirdAt(notBefore, notAfter), now);
}

function lastThirdAt(start: number, end: number): number {
  return end - Math.floor((end - start) / 3);
}

function stateUntil(notAfter: number, expiringFrom: number, now: number) {
  // OpenSSL, and so a router, refuses a certificate from `notAfter` on.
  if (now >= notAfter) return 'expired';
  return now >= expiringFrom ? 'expiring' : 'valid';
}

/**
 * True if a link is overdue for renewal: a quarter or less of the lifetime of its newest certificate is left. Sites renew at two
 * thirds of the lifetime.
 */
export function isNotRenewing(times: LinkTimes, now: number): boolean {
  return times.revokedAt === null && times.notAfter > now && now >= notRenewingAt(times);
}

/** What the owner of a link has to know before the link is renewed for the first time. */
export const RENEWAL_NEEDS_TIMER =
  'A renewed certificate is valid for 30 days: a link whose certificate was valid for longer cannot reconnect after that, unless a timer on its site runs `linkgrant link renew --all` at least daily.';

/** True if a certificate has at most the lifetime of a renewed link; times in milliseconds since the epoch. */
export function isShortLived({ notBefore, notAfter }: Validity): boolean {
  // The validity begins some minutes before the certificate is issued, to allow for slow clocks.
  return notAfter - notBefore <= RENEWING_LIFETIME_MS + DAY_MS;
}
