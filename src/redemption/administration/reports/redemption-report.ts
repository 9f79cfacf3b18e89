import type { IssuedCertificate, Renewal } from '../../../domain/issued-certificate.js';
import type { Labels } from '../../../domain/labels-and-note.js';
import type { Redemption, RedemptionMode } from '../../../domain/redemption.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { remainingText, remainingWords } from '../remaining.js';

/** A certificate in a report: its expiry in RFC 3339, hashes and the serial number in hex. */
interface CertificateReport {
  readonly serial: string;
  readonly keySha256: string;
  readonly certificateSha256: string;
  /** SHA-256 of the CA that signed it. */
  readonly issuerSha256: string;
  readonly notAfter: string;
}

/** A renewal in a report. */
export interface RenewalReport extends CertificateReport {
  readonly number: number;
  readonly renewedAt: string;
  readonly peer: string;
}

/** A redemption in a report, with its first certificate. */
export interface RedemptionReport extends CertificateReport {
  readonly id: string;
  /** Name of its grant; absent in the report of a revocation, and if the grant was deleted. */
  readonly grant?: string;
  readonly grantUid: string;
  readonly createdAt: string;
  readonly mode: RedemptionMode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  /** Id of its signed token. */
  readonly jti?: string;
  /** The last renewal; absent if there was none. */
  readonly newest?: RenewalReport;
  readonly revokedAt?: string;
  readonly labels: Labels;
  readonly note?: string;
  /** True if its site is connected now; absent if that is not known. */
  readonly connected?: boolean;
  /** What its link can still do, as keywords. */
  readonly canStill: string;
  /** What its link can still do, as the end of a sentence. */
  readonly remaining: string;
}

function certificateReport(certificate: IssuedCertificate): CertificateReport {
  const { serial, keySha256, certificateSha256, issuerSha256, notAfter } = certificate;
  return { serial, keySha256, certificateSha256, issuerSha256, notAfter: formatTime(notAfter) };
}

/** Returns the report of a renewal. */
export function renewalReport(renewal: Renewal): RenewalReport {
  const { number, renewedAt, peer } = renewal;
  return { number, renewedAt: formatTime(renewedAt), peer, ...certificateReport(renewal) };
}

/** Returns the report at `now` of a redemption; `newest` is its last renewal, `grant` the name of its grant. */
export function redemptionReport(
  redemption: Redemption,
  newest: Renewal | undefined,
  now: number,
  grant?: string,
): RedemptionReport {
  const { id, grantUid, mode, name, subject, peer, jti, createdAt, revokedAt, labels, note } = redemption;
  const life = { revokedAt, notAfter: (newest ?? redemption).notAfter };
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
