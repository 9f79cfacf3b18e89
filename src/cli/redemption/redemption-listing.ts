import type { RedemptionReport } from '../../redemption/administration/reports/redemption-report.js';
import { formatLabels } from '../flags/label-flags.js';
import { csvOf, type Listing } from '../terminal/listing.js';

/** The list of redemptions. */
export const REDEMPTION_LISTING: Listing<RedemptionReport> = {
  csv: {
    ...csvOf<RedemptionReport>('id', 'grant', 'grantUid', 'createdAt', 'mode', 'name', 'subject', 'peer'),
    ...csvOf<RedemptionReport>('jti', 'serial', 'keySha256', 'certificateSha256', 'notAfter'),
    renewals: ({ newest }) => newest?.number ?? 0,
    newestSerial: ({ newest }) => newest?.serial,
    newestNotAfter: ({ newest }) => newest?.notAfter,
    ...csvOf<RedemptionReport>('revokedAt', 'canStill', 'labels', 'note', 'connected'),
  },
  columns: {
    ID: ({ id }) => id,
    GRANT: ({ grant, grantUid }) => grant ?? grantUid,
    TIME: ({ createdAt }) => createdAt,
    NAME: ({ name }) => name,
    SUBJECT: ({ subject }) => subject,
    FROM: ({ peer }) => peer,
    'CERTIFICATE EXPIRES': ({ newest, notAfter }) => newest?.notAfter ?? notAfter,
    'CAN STILL': ({ canStill }) => canStill,
    REVOKED: ({ revokedAt }) => revokedAt,
  },
  wide: {
    TOKEN: ({ jti }) => jti,
    SERIAL: ({ newest, serial }) => newest?.serial ?? serial,
    RENEWALS: ({ newest }) => newest?.number ?? 0,
    LABELS: ({ labels }) => formatLabels(labels),
    NOTE: ({ note }) => note,
  },
  name: ({ id }) => id,
  emptyText: 'There are no redemptions.\n',
};

/** Returns `yes` or `no`; undefined if it is not known whether the link is connected. */
export function connectedWord(connected: boolean | undefined): string | undefined {
  return connected === undefined ? undefined : connected ? 'yes' : 'no';
}

/** {@link REDEMPTION_LISTING} with a column that says whether each link is connected. */
export const CONNECTED_REDEMPTION_LISTING: typeof REDEMPTION_LISTING = {
  ...REDEMPTION_LISTING,
  columns: { ...REDEMPTION_LISTING.columns, CONNECTED: ({ connected }) => connectedWord(connected) },
};
