import type { AuthorityReport, IssuerReport } from '../../redemption/administration/reports/issuer-report.js';
import { csvOf, type Listing } from '../terminal/listing.js';

/** A CA of an issuer, as `issuer list` prints it. */
export interface IssuerListRow extends Omit<AuthorityReport, 'role' | 'state' | 'replacedAt'> {
  readonly issuer: string;
  /** Namespace of its site; null outside system platforms. */
  readonly namespace: string | null;
  /** Who rotates the CA; `external` for the CA of `--issuer-cert`. */
  readonly owner: IssuerReport['owner'];
  /** Its role in the issuer. */
  readonly state: AuthorityReport['role'];
}

/** The list of CAs. */
export const CA_LISTING: Listing<IssuerListRow> = {
  columns: {
    ISSUER: ({ namespace, issuer }) => (namespace === null ? issuer : `${namespace}/${issuer}`),
    STATE: ({ state }) => state,
    SUBJECT: ({ subject }) => subject,
    'VALID UNTIL': ({ notAfter }) => notAfter,
    LINKS: ({ links }) => links ?? undefined,
    OWNER: ({ owner }) => owner,
    'SHA-256': ({ sha256 }) => sha256.slice(0, 16),
  },
  wide: {
    'VALID FROM': ({ notBefore }) => notBefore,
    'FULL SHA-256': ({ sha256 }) => sha256,
  },
  csv: csvOf('issuer', 'namespace', 'owner', 'state', 'subject', 'sha256', 'notBefore', 'notAfter', 'links'),
  name: ({ issuer }) => issuer,
  key: ({ namespace, issuer, sha256 }) => JSON.stringify([namespace, issuer, sha256]),
  emptyText: 'There are no CAs.\n',
};
