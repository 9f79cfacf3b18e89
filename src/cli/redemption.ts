import { globMatches } from '../domain/glob.js';
import { isUuid } from '../domain/names.js';
import type { GrantStore } from '../redemption/grant-store.js';
import type { AddedUpAttempts, LedgerEntry } from '../redemption/ledger-store.js';
import type { PageRequest } from '../redemption/page.js';
import { type GrantFlags, requireGrant } from './grant.js';
import { type ListingFormat, pagesOf, writeListing } from './listing.js';
import { formatTime } from './output.js';
import { redemptionReport } from './redemption-report.js';
import { parseSince } from './since.js';
import { withStore } from './store-session.js';

/** The flags of `redemption list`. */
export interface RedemptionListFlags extends Omit<GrantFlags, 'output'> {
  readonly output?: 'json' | 'yaml' | 'csv';
  /** Name or uid of a grant; the uid also of one that is deleted. */
  readonly grant?: string;
  readonly since?: string;
  /** With `*` and `?`. */
  readonly subject?: string;
  readonly events?: boolean;
}

/** What of the ledger is meant. */
interface Wanted {
  readonly page: { readonly grantUid?: string; readonly since?: number };
  readonly isOf: (subject: string | undefined) => boolean;
}

type RedemptionReport = ReturnType<typeof redemptionReport>;

const REDEMPTIONS: Omit<ListingFormat<RedemptionReport>, 'format'> = {
  csv: {
    id: ({ id }) => id,
    grantUid: ({ grantUid }) => grantUid,
    createdAt: ({ createdAt }) => createdAt,
    mode: ({ mode }) => mode,
    name: ({ name }) => name,
    subject: ({ subject }) => subject,
    peer: ({ peer }) => peer,
    jti: ({ jti }) => jti,
    serial: ({ serial }) => serial,
    keySha256: ({ keySha256 }) => keySha256,
    certificateSha256: ({ certificateSha256 }) => certificateSha256,
    notAfter: ({ notAfter }) => notAfter,
    renewals: ({ newest }) => newest?.number ?? 0,
    newestSerial: ({ newest }) => newest?.serial,
    newestNotAfter: ({ newest }) => newest?.notAfter,
    revokedAt: ({ revokedAt }) => revokedAt,
    canStill: ({ canStill }) => canStill,
  },
  headings: ['ID', 'TIME', 'NAME', 'SUBJECT', 'FROM', 'CERTIFICATE ENDS', 'CAN STILL', 'REVOKED'],
  cells: ({ id, createdAt, name, subject, peer, notAfter, newest, canStill, revokedAt = '-' }) => [
    id,
    createdAt,
    name,
    subject,
    peer,
    newest?.notAfter ?? notAfter,
    canStill,
    revokedAt,
  ],
  nothing: 'There are no redemptions.\n',
};

/** An entry, or attempts that were added up, as machines read it. */
interface EventReport {
  readonly grantUid: string;
  /** Absent where it is attempts that were added up. */
  readonly seq?: number;
  readonly time: string;
  readonly kind: string;
  readonly redemptionId?: string;
  readonly count?: number;
  readonly firstTime?: string;
  readonly [detail: string]: string | number | undefined;
}

const DETAILS = [
  'name',
  'subject',
  'peer',
  'jti',
  'number',
  'serial',
  'keySha256',
  'certificateSha256',
  'notAfter',
];
const EVENT_COLUMNS = ['grantUid', 'seq', 'time', 'kind', 'redemptionId', ...DETAILS, 'count', 'firstTime'];

const EVENTS: Omit<ListingFormat<EventReport>, 'format'> = {
  csv: Object.fromEntries(EVENT_COLUMNS.map((column) => [column, (report: EventReport) => report[column]])),
  headings: ['TIME', 'KIND', 'TIMES', 'GRANT', 'REDEMPTION', 'SUBJECT', 'FROM'],
  cells: ({ time, kind, count = 1, grantUid, redemptionId = '-', subject, peer }) => [
    time,
    kind,
    String(count),
    grantUid,
    redemptionId,
    String(subject ?? '-') || '-',
    String(peer ?? '-') || '-',
  ],
  nothing: 'The ledger is empty.\n',
};

function entryReport({ grantUid, seq, at, kind, redemptionId, detail }: LedgerEntry): EventReport {
  const { notAfter, ...rest } = detail;
  return {
    grantUid,
    seq,
    time: formatTime(at),
    kind,
    ...(redemptionId !== null && { redemptionId }),
    ...rest,
    ...(notAfter !== undefined && { notAfter: formatTime(Number(notAfter)) }),
  };
}

function addedUpReport({
  grantUid,
  code,
  name,
  subject,
  peer,
  count,
  firstAt,
  lastAt,
}: AddedUpAttempts): EventReport {
  const time = formatTime(lastAt);
  return { grantUid, time, kind: code, name, subject, peer, count, firstTime: formatTime(firstAt) };
}

async function* redemptionPages(
  store: GrantStore,
  { page, isOf }: Wanted,
  now: number,
): AsyncGenerator<RedemptionReport[]> {
  for await (const items of pagesOf((request) => store.listRedemptions({ ...request, ...page }))) {
    const wanted = items.filter(({ subject }) => isOf(subject));
    yield await Promise.all(
      wanted.map(async (redemption) => {
        const renewed = await store.findRenewedRedemption(redemption.id);
        return redemptionReport(redemption, renewed?.renewals[0], now);
      }),
    );
  }
}

async function* eventPages(store: GrantStore, { page, isOf }: Wanted): AsyncGenerator<EventReport[]> {
  const part = (request: PageRequest) => ({ ...request, ...page });
  for await (const entries of pagesOf((request) => store.listLedger(part(request)))) {
    yield entries.map(entryReport).filter(({ subject }) => isOf(subject as string | undefined));
  }
  for await (const rows of pagesOf((request) => store.listAddedUp(part(request)))) {
    yield rows.filter(({ subject }) => isOf(subject)).map(addedUpReport);
  }
}

/** The uid of the grant that a flag means. */
export async function grantUidOf(store: GrantStore, namespace: string, nameOrUid: string): Promise<string> {
  return isUuid(nameOrUid) ? nameOrUid : (await requireGrant(store, namespace, nameOrUid)).uid;
}

/**
 * `redemption list`: shows what was redeemed, oldest first, or with `--events` every entry of the ledger, grant by grant
 * and then what is added up; of one grant with `--grant`, else of every namespace. However many there are, a page of
 * them is in memory.
 */
export async function listCommand(flags: RedemptionListFlags, now: number): Promise<void> {
  const since = parseSince(flags.since, now);
  await withStore({ ...flags }, async ({ store, namespace }) => {
    const grantUid = flags.grant === undefined ? undefined : await grantUidOf(store, namespace, flags.grant);
    const wanted: Wanted = {
      page: { ...(grantUid !== undefined && { grantUid }), ...(since !== undefined && { since }) },
      isOf: (subject) =>
        flags.subject === undefined || (subject !== undefined && globMatches(flags.subject, subject)),
    };
    const format = flags.output;
    if (flags.events) await writeListing(eventPages(store, wanted), { ...EVENTS, format });
    else await writeListing(redemptionPages(store, wanted, now), { ...REDEMPTIONS, format });
  });
}
