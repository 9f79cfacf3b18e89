import { replacedRedemptionId } from '../../../codes/code-id.js';
import type { IssuedCertificate } from '../../../domain/issued-certificate.js';
import type { Labels } from '../../../domain/labels-and-note.js';
import type { RedemptionMode } from '../../../domain/redemption.js';
import type { RedemptionErrorCode } from '../../../domain/redemption-error.js';
import { formatTime } from '../../../domain/rfc3339.js';
import type { IsCaRetired } from '../../issuers/retired-cas.js';
import type { ListedRedemption, ListedRenewal } from '../../ports/grant-store.js';
import { lifeOfLink, remainingText, remainingWords } from '../remaining.js';
import type { EventReport } from './event-report.js';

/** A certificate in a report: its expiry in RFC 3339, hashes and the serial number in lower-case hex. */
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
  /** From 1. */
  readonly number: number;
  /** RFC 3339. */
  readonly renewedAt: string;
  /** Address of the client. */
  readonly peer: string;
}

/** A renewal with its certificate. */
export interface RenewalDetail extends RenewalReport {
  /** PEM, followed by its chain. */
  readonly certificate: string;
}

/** A redemption in a report, with its first certificate. Times are RFC 3339. */
export interface RedemptionReport extends CertificateReport {
  readonly id: string;
  /** Name of its grant; absent in the response to a revocation, and if the grant was deleted. */
  readonly grant?: string;
  readonly grantUid: string;
  readonly createdAt: string;
  readonly mode: RedemptionMode;
  readonly name: string;
  readonly subject: string;
  /** Address of the client. */
  readonly peer: string;
  /** Id of the signed token that was redeemed. */
  readonly jti?: string;
  /** Id of the redemption that it replaces. */
  readonly replaces?: string;
  /** The last renewal; absent if there was none. */
  readonly newest?: RenewalReport;
  readonly revokedAt?: string;
  readonly labels: Labels;
  readonly note?: string;
  /** Whether its site is connected now; absent if that is not known. */
  readonly connected?: boolean;
  /** What its site can still do: connect, renew. */
  readonly canStill: string;
  /** The same as a sentence. */
  readonly remaining: string;
  /** Why the present rules of its grant would refuse its renewal from the address of its last contact; not in a list. */
  readonly renewalRefusal?: RedemptionErrorCode;
}

/** A redemption with all its stored details. */
export interface RedemptionDetail extends RedemptionReport {
  /** PEM of the first certificate, followed by its chain. */
  readonly certificate: string;
  /** The oldest first; absent if there were none. */
  readonly renewals?: readonly RenewalDetail[];
  /** Id of the redemption that replaced it. */
  readonly replacedBy?: string;
  /** Its entries, the oldest first. */
  readonly ledger: readonly EventReport[];
}

/** What happens to the token or grant of a revoked redemption, if the token or grant can be redeemed again. */
export type SourceChoice = 'with-token' | 'with-grant' | 'keep-token';

/** The token or grant of a revoked redemption, if it can be redeemed again. */
export interface SourceReport {
  /** Name of the grant. */
  readonly grant: string;
  /** Id of the signed token; absent if the grant's own code was redeemed. */
  readonly tokenId?: string;
  readonly redemptionsLeft: number;
  /** RFC 3339; absent before the grant was ready for the first time. */
  readonly expirationTime?: string;
  /** What was done with it. */
  readonly choice: SourceChoice;
}

/** Result of revoking a redemption. */
export interface RedemptionRevocation {
  readonly outcome: 'revoked' | 'already_revoked';
  readonly redemption: RedemptionReport;
  readonly source?: SourceReport;
  /** Other valid links of the grant that the same site may have. */
  readonly related: readonly {
    readonly id: string;
    readonly name: string;
    readonly subject: string;
    /** RFC 3339. */
    readonly notAfter: string;
  }[];
}

function certificateReport(certificate: Omit<IssuedCertificate, 'certificate'>): CertificateReport {
  const { serial, keySha256, certificateSha256, issuerSha256, notAfter } = certificate;
  return { serial, keySha256, certificateSha256, issuerSha256, notAfter: formatTime(notAfter) };
}

/** Returns the report of a renewal. */
export function renewalReport(renewal: ListedRenewal): RenewalReport {
  const { number, renewedAt, peer } = renewal;
  return { number, renewedAt: formatTime(renewedAt), peer, ...certificateReport(renewal) };
}

/** What the report of a redemption needs in addition to the redemption and its last renewal. */
export interface ReportContext {
  /** Name of the grant. */
  readonly grant?: string | undefined;
  /** Returns whether the CA of a certificate was retired. */
  readonly isCaRetired?: IsCaRetired | undefined;
  /** Why a renewal would be refused; absent if it would not be, or if that was not checked. */
  readonly refusal?: RedemptionErrorCode | undefined;
}

/** Returns the report at `now` of a redemption; `newest` is its last renewal. */
export function redemptionReport(
  redemption: ListedRedemption,
  newest: ListedRenewal | undefined,
  now: number,
  { grant, isCaRetired, refusal }: ReportContext,
): RedemptionReport {
  const { id, grantUid, mode, name, subject, peer, jti, createdAt, revokedAt, labels, note } = redemption;
  const replaces = jti === null ? undefined : replacedRedemptionId(jti);
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
    ...(replaces !== undefined && { replaces }),
    ...certificateReport(redemption),
    ...(newest && { newest: renewalReport(newest) }),
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
    labels,
    ...(note !== null && { note }),
    canStill: remainingWords(life, now),
    remaining: remainingText(life, now, refusal),
    ...(refusal && { renewalRefusal: refusal }),
  };
}
