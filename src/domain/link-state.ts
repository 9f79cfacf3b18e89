import { DAY_MS } from './duration.js';

/** A link is `expiring` at most this long before its end, in milliseconds. */
export const EXPIRING_MS = 7 * DAY_MS;

/** Every state of a link. */
export const LINK_STATES = ['valid', 'expiring', 'expired', 'revoked'] as const;

/** State of a link: `expiring` if its newest certificate expires within 7 days and has at most a third of its lifetime left. */
export type LinkState = (typeof LINK_STATES)[number];

/** The times that determine the state of a link, in milliseconds since the epoch. */
export interface LinkTimes {
  readonly revokedAt: number | null;
  /** When its newest certificate was issued. */
  readonly issuedAt: number;
  /** When its newest certificate expires. */
  readonly notAfter: number;
}

/** When a link becomes `expiring` if it is not renewed or revoked before. */
export function expiringAt({ issuedAt, notAfter }: LinkTimes): number {
  return notAfter - Math.min(EXPIRING_MS, Math.floor((notAfter - issuedAt) / 3));
}

/** When a link becomes overdue for renewal if it is not renewed or revoked before. */
export function notRenewingAt({ issuedAt, notAfter }: LinkTimes): number {
  return notAfter - Math.floor((notAfter - issuedAt) / 4);
}

/** The state of a link at `now`. */
export function linkState(times: LinkTimes, now: number): LinkState {
  if (times.revokedAt !== null) return 'revoked';
  if (times.notAfter <= now) return 'expired';
  return now >= expiringAt(times) ? 'expiring' : 'valid';
}

/**
 * True if a link is overdue for renewal: a quarter or less of the lifetime of its newest certificate is left. Sites renew at two
 * thirds of the lifetime.
 */
export function isNotRenewing(times: LinkTimes, now: number): boolean {
  return times.revokedAt === null && times.notAfter > now && now >= notRenewingAt(times);
}
