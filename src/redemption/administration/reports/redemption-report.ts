import type { IssuedCertificate } from '../../../domain/issued-certificate.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { IsCaRetired } from '../../issuers/retired-cas.js';
import type { ListedRedemption, ListedRenewal } from '../../ports/grant-store.js';
import { lifeOfLink, remainingText, remainingWords } from '../remaining.js';
import type { Schemas } from './api-schemas.js';

/** A certificate in a report: its expiry in RFC 3339, hashes and the serial number in hex. */
type CertificateReport = Pick<
  RenewalReport,
  'serial' | 'keySha256' | 'certificateSha256' | 'issuerSha256' | 'notAfter'
>;

/** A renewal in a report. */
export type RenewalReport = Schemas['Renewal'];

/** A redemption in a report, with its first certificate. */
export type RedemptionReport = Schemas['Redemption'];

function certificateReport(certificate: Omit<IssuedCertificate, 'certificate'>): CertificateReport {
  const { serial, keySha256, certificateSha256, issuerSha256, notAfter } = certificate;
  return { serial, keySha256, certificateSha256, issuerSha256, notAfter: formatTime(notAfter) };
}

/** Returns the report of a renewal. */
export function renewalReport(renewal: ListedRenewal): RenewalReport {
  const { number, renewedAt, peer } = renewal;
  return { number, renewedAt: formatTime(renewedAt), peer, ...certificateReport(renewal) };
}

/**
 * Returns the report at `now` of a redemption; `newest` is its last renewal, `grant` the name of its grant. `isCaRetired` returns
 * whether the CA of a certificate was retired.
 */
export function redemptionReport(
  redemption: ListedRedemption,
  newest: ListedRenewal | undefined,
  now: number,
  { grant, isCaRetired }: { readonly grant?: string | undefined; readonly isCaRetired?: IsCaRetired },
): RedemptionReport {
  const { id, grantUid, mode, name, subject, peer, jti, createdAt, revokedAt, labels, note } = redemption;
  const life = lifeOfLink(redemption, newest, isCaRetired);
  return {
    id,
    ...(grant !== undefined && { grant }),
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
    labels,
    ...(note !== null && { note }),
    canStill: remainingWords(life, now),
    remaining: remainingText(life, now),
  };
}
