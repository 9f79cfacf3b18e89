import { formatActor } from '../../domain/actor.js';
import type { EventReport } from '../../redemption/administration/reports/event-report.js';
import { csvOf, type Listing } from '../terminal/listing.js';

/** The list of the entries of the ledger. */
export const EVENT_LISTING: Listing<EventReport> = {
  csv: {
    ...csvOf<EventReport>('grantUid', 'grant', 'seq', 'time', 'kind', 'actor', 'actorName', 'redemptionId'),
    ...csvOf<EventReport>('name', 'subject', 'peer', 'jti', 'number', 'serial', 'keySha256'),
    ...csvOf<EventReport>('certificateSha256', 'notAfter', 'redemptionsAllowed', 'uses', 'expirationTime'),
    ...csvOf<EventReport>('setting', 'code', 'count', 'firstTime'),
  },
  columns: {
    TIME: ({ time }) => time,
    KIND: ({ kind }) => kind,
    GRANT: ({ grant, grantUid }) => grant ?? grantUid,
    SUBJECT: ({ subject }) => subject || undefined,
    BY: (report) => formatActor(report) ?? (report.peer || undefined),
    DETAIL: detailText,
  },
  wide: {
    FROM: ({ peer }) => peer || undefined,
    REDEMPTION: ({ redemptionId }) => redemptionId,
    TOKEN: ({ jti }) => jti,
    'GRANT UID': ({ grantUid }) => grantUid,
    NUMBER: ({ seq }) => seq,
  },
  name: ({ grantUid, seq, time, kind }) => `${grantUid ?? ''}/${seq ?? `${kind}/${time}`}`,
  // Entries never change. A total may get a higher count: then `--watch` lists it again.
  key: (report) => JSON.stringify(report),
  emptyText: 'The ledger is empty.\n',
};

function detailText({
  setting,
  code,
  count = 1,
  number,
  redemptionsAllowed,
  uses,
}: EventReport): string | undefined {
  const facts = [
    setting,
    code,
    count > 1 && `${count} times`,
    number !== undefined && `renewal ${number}`,
    redemptionsAllowed !== undefined && `uses allowed: ${redemptionsAllowed}`,
    uses !== undefined && `uses: ${uses}`,
  ];
  return facts.filter(Boolean).join(', ') || undefined;
}
