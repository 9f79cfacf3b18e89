import type { TokenReport } from '../../redemption/administration/reports/token-report.js';
import { csvOf, type Listing } from '../terminal/listing.js';
import { formatFingerprint } from '../terminal/output.js';

// People compare the beginning; the id of the token and `-o json` have more digits.
const SHOWN_DIGITS = 8;

/** The list of tokens. */
export const TOKEN_LISTING: Omit<Listing<TokenReport>, 'emptyText'> = {
  columns: {
    ID: ({ id }) => id,
    GRANT: ({ grant }) => grant,
    STATE: ({ state }) => state,
    REDEMPTIONS: ({ redemptions, redemptionsAllowed }) => `${redemptions}/${redemptionsAllowed}`,
    EXPIRATION: ({ expirationTime }) => expirationTime,
    SUBJECT: ({ subject }) => subject,
    'FOR KEY': ({ keySha256Prefix: prefix }) =>
      prefix && `${formatFingerprint(prefix.slice(0, SHOWN_DIGITS))}…`,
  },
  wide: {
    NAMESPACE: ({ namespace }) => namespace,
    ISSUED: ({ issuedAt }) => issuedAt,
    REVOKED: ({ revokedAt }) => revokedAt,
  },
  csv: csvOf(
    'id',
    'grant',
    'namespace',
    'grantUid',
    'state',
    'redemptions',
    'redemptionsAllowed',
    'expirationTime',
    'subject',
    'keySha256Prefix',
    'issuedAt',
    'revokedAt',
  ),
  name: ({ id }) => id,
  key: ({ grantUid, id }) => `${grantUid} ${id}`,
};
