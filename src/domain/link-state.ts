const DAY_MS = 86_400_000;
const EXPIRING_MS = 7 * DAY_MS;

/** Every state of a link, by its revocation and its newest certificate. */
export const LINK_STATES = ['valid', 'expiring', 'expired', 'revoked'] as const;

/** State of a link: `expiring` if its newest certificate ends within 7 days and has at most a third of its lifetime left. */
export type LinkState = (typeof LINK_STATES)[number];

/** The times that determine the state of a link, in milliseconds since the epoch. */
export interface LinkTimes {
  readonly revokedAt: number | null;
  /** When its newest certificate was issued. */
  readonly issuedAt: number;
  /** When its newest certificate ends. */
  readonly notAfter: number;
}

/** The state of a link at `now`. */
export function linkState({ revokedAt, issuedAt, notAfter }: LinkTimes, now: number): LinkState {
  if (revokedAt !== null) return 'revoked';
  const left = notAfter - now;
  if (left <= 0) return 'expired';
  return left <= EXPIRING_MS && left * 3 <= notAfter - issuedAt ? 'expiring' : 'valid';
}

/**
 * True if a link is overdue for renewal: a quarter or less of the lifetime of its newest certificate is left. Sites renew at two
 * thirds of the lifetime.
 */
export function isNotRenewing({ revokedAt, issuedAt, notAfter }: LinkTimes, now: number): boolean {
  const left = notAfter - now;
  return revokedAt === null && left > 0 && left * 4 <= notAfter - issuedAt;
}
