import type { GrantReport } from '../../redemption/administration/reports/grant-report.js';
import { formatLabels } from '../flags/label-flags.js';
import { csvOf, type Listing } from '../terminal/listing.js';

/** The list of grants. */
export const GRANT_LISTING: Omit<Listing<GrantReport>, 'emptyText'> = {
  columns: {
    NAME: ({ name }) => name,
    STATE: ({ state }) => state,
    REDEMPTIONS: ({ redemptions, redemptionsAllowed }) => `${redemptions}/${redemptionsAllowed}`,
    EXPIRATION: ({ expirationTime }) => expirationTime,
    UID: ({ uid }) => uid,
    REASON: ({ reason }) => reason,
  },
  wide: {
    NAMESPACE: ({ namespace }) => namespace,
    ISSUER: ({ issuer }) => issuer,
    CREATED: ({ createdAt }) => createdAt,
    LABELS: ({ labels }) => formatLabels(labels),
    NOTE: ({ note }) => note,
  },
  csv: csvOf(
    'name',
    'namespace',
    'uid',
    'state',
    'reason',
    'redemptions',
    'redemptionsAllowed',
    'expirationWindow',
    'expirationTime',
    'issuer',
    'createdAt',
    'revokedAt',
    'labels',
    'note',
  ),
  name: ({ name }) => name,
  key: ({ uid }) => uid,
};
