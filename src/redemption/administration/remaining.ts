import { RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { LinkTimes } from '../../domain/link-state.js';
import { formatTime } from '../../domain/rfc3339.js';

type LinkLife = Pick<LinkTimes, 'revokedAt' | 'notAfter'> & {
  /** Whether the CA of the newest certificate was retired, which ends a cut; a router may trust it nevertheless. */
  readonly isCaRetired?: boolean;
};

/** Returns what a link can still do at `now`, as keywords for a table. */
export function remainingWords({ revokedAt, notAfter, isCaRetired }: LinkLife, now: number): string {
  const canConnect = notAfter > now && !(isCaRetired && revokedAt !== null);
  const canRenew = revokedAt === null && notAfter + RENEWAL_GRACE_MS > now;
  const words = [...(canConnect ? ['connect'] : []), ...(canRenew ? ['renew'] : [])];
  return words.join(', ') || '-';
}

/**
 * Returns what a link can still do at `now`, as the end of a sentence. skupper-router reads no CRL, and checks a certificate
 * only when a link connects.
 */
export function remainingText({ revokedAt, notAfter, isCaRetired }: LinkLife, now: number): string {
  const end = formatTime(notAfter);
  if (revokedAt !== null && notAfter > now && isCaRetired) {
    return `use a connection that is already open, but connect again only to a router that still trusts its retired CA, until ${end}; it cannot be renewed, and its redemption cannot be repeated`;
  }
  if (revokedAt !== null) {
    return notAfter > now
      ? `connect until ${end}, because skupper-router reads no CRL, and stay connected after that until the connection closes; it cannot be renewed, and its redemption cannot be repeated`
      : `use a connection that is already open, but cannot connect again: it is revoked, and its certificate expired at ${end}`;
  }
  const renews = formatTime(notAfter + RENEWAL_GRACE_MS);
  if (notAfter > now) return `connect until ${end}, and be renewed until ${renews}`;
  return notAfter + RENEWAL_GRACE_MS > now
    ? `be renewed until ${renews}; its certificate has expired`
    : 'use a connection that is already open, but cannot connect again or be renewed: its certificate has expired';
}
