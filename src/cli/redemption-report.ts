import type { IssuedCertificate, Renewal } from '../domain/issued-certificate.js';
import type { Redemption } from '../domain/redemption.js';
import { formatTime } from './output.js';
import { remainingText, remainingWords } from './remaining.js';

function certificateReport({ serial, keySha256, certificateSha256, notAfter }: IssuedCertificate) {
  return { serial, keySha256, certificateSha256, notAfter: formatTime(notAfter) };
}

/** A renewal as machines read it: times in RFC 3339, hashes and the serial in hex. */
export function renewalReport(renewal: Renewal) {
  const { number, renewedAt, peer } = renewal;
  return { number, renewedAt: formatTime(renewedAt), peer, ...certificateReport(renewal) };
}

/**
 * A redemption as machines read it, with its first certificate, the newest if it was renewed, and what its link can still
 * do at `now`.
 */
export function redemptionReport(redemption: Redemption, newest: Renewal | undefined, now: number) {
  const { id, grantUid, mode, name, subject, peer, jti, createdAt, revokedAt } = redemption;
  const life = { revokedAt, newest: newest ?? redemption };
  return {
    id,
    grantUid,
    createdAt: formatTime(createdAt),
    mode,
    name,
    subject,
    peer,
    ...(jti !== null && { jti }),
    ...certificateReport(redemption),
    ...(newest && { newest: renewalReport(newest) }),
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
    canStill: remainingWords(life, now),
    remaining: remainingText(life, now),
  };
}
