import { type IssuedCertificate, RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import { formatTime } from '../../domain/rfc3339.js';
import type { IsCaRetired } from '../issuers/retired-cas.js';

type Certificate = Pick<IssuedCertificate, 'notAfter' | 'issuerSha256'>;

/** What the link of a revoked redemption can still do, as the end of a sentence. */
export const AFTER_REVOCATION = 'its link can connect until its certificate expires or the link is cut off';

/** What a link can do and until when. Times are milliseconds since the epoch. */
export interface LinkLife {
  readonly revokedAt: number | null;
  /**
   * The latest expiry of its certificates: the one before a renewal stays valid, and may expire later. Certificates of a retired CA
   * count only if there are no others.
   */
  readonly connectsUntil: number;
  /** When the newest certificate can be renewed for the last time. */
  readonly renewsUntil: number;
  /** True if the CAs of all its certificates were retired, the last step of a cut. A router may still trust them. */
  readonly isCaRetired: boolean;
}

/** Returns the life of a link from its first and its newest certificate; `newest` is its last renewal. */
export function lifeOfLink(
  redemption: Pick<Redemption, 'issuer' | 'revokedAt'> & Certificate,
  newest: Certificate | undefined,
  isCaRetired: IsCaRetired = () => false,
): LinkLife {
  const certificates = newest ? [redemption, newest] : [redemption];
  const trusted = certificates.filter((certificate) => !isCaRetired(redemption, certificate));
  const ends = (trusted.length > 0 ? trusted : certificates).map(({ notAfter }) => notAfter);
  return {
    revokedAt: redemption.revokedAt,
    connectsUntil: Math.max(...ends),
    renewsUntil: (newest ?? redemption).notAfter + RENEWAL_GRACE_MS,
    isCaRetired: trusted.length === 0,
  };
}

/** True if a link can connect at `now`: one that is cut off cannot. */
export function canConnect({ revokedAt, connectsUntil, isCaRetired }: LinkLife, now: number): boolean {
  return connectsUntil > now && !(isCaRetired && revokedAt !== null);
}

/** Returns what a link can still do at `now`, as keywords for a table. */
export function remainingWords(life: LinkLife, now: number): string {
  const canRenew = life.revokedAt === null && life.renewsUntil > now;
  const words = [...(canConnect(life, now) ? ['connect'] : []), ...(canRenew ? ['renew'] : [])];
  return words.join(', ') || '-';
}

/**
 * Returns what a link can still do at `now`, as the end of a sentence. skupper-router reads no CRL, and checks a certificate
 * only when a link connects. `refusal` is why the rules of its grant would refuse a renewal.
 */
export function remainingText(life: LinkLife, now: number, refusal?: RedemptionErrorCode): string {
  const end = formatTime(life.connectsUntil);
  const canConnect = life.connectsUntil > now;
  if (life.revokedAt !== null) return revokedText(end, canConnect, life.isCaRetired);
  const canRenew = life.renewsUntil > now;
  const renews = `${formatTime(life.renewsUntil)}${refusal ? `, unless the rules of its grant refuse it, as they do now (${refusal})` : ''}`;
  if (canConnect)
    return `connect until ${end}, and ${canRenew ? `be renewed until ${renews}` : 'cannot be renewed'}`;
  return canRenew
    ? `be renewed until ${renews}; its certificate has expired`
    : 'use a connection that is already open, but cannot connect again or be renewed: its certificate has expired';
}

function revokedText(end: string, canConnect: boolean, isCaRetired: boolean): string {
  if (!canConnect)
    return `use a connection that is already open, but cannot connect again: it is revoked, and its certificate expired at ${end}`;
  return isCaRetired
    ? `use a connection that is already open, but connect again only to a router that still trusts its retired CA, until ${end}; it cannot be renewed, and its redemption cannot be repeated`
    : `connect until ${end}, because skupper-router reads no CRL, and stay connected after that until the connection closes; it cannot be renewed, and its redemption cannot be repeated`;
}
