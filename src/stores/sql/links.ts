import { EXPIRING_MS } from '../../domain/issued-certificate.js';
import type { LedgerKind } from '../../domain/ledger-kind.js';
import {
  CHANGING_RESOURCES,
  type Changes,
  type ChangingResource,
  type IssuedLink,
  type LinkCounts,
  type LinkPageRequest,
  type LinkStore,
  MAX_WRONG_CODES,
  type RefusalCount,
  type RefusalSummary,
} from '../../redemption/ports/link-store.js';
import { encodeCursor, type Page, pageOf, rowsToRead, startOf } from '../../redemption/ports/page.js';
import { IS_REFUSAL } from './ledger/list-ledger.js';
import { NEWEST_RENEWAL } from './list-redemptions.js';
import { rawRows, row, rows, type SqlDialect, type SqlOperation, value } from './operation.js';
import type { SqlDatabase } from './sql-database.js';
import { LABEL_CHANGES } from './stored-settings.js';
import { listWrongCodes } from './wrong-codes.js';

// Rows in memory at once, and rows that one call reads at most.
const STEP = 1_000;
const MAX_ROWS_READ = 2_000;

const TIMES = `coalesce(r.renewed_until, r.not_after) AS "notAfter", coalesce(r.renewed_at, r.created_at) AS "issuedAt",
  r.revoked_at AS "revokedAt"`;
const LINKS = `r.id, r.grant_uid AS "grantUid", g.name AS "grantName", r.namespace, r.name, r.subject, r.jti,
  coalesce(renewed_peer, r.peer) AS peer, r.issuer, r.site_uid AS "siteUid", r.created_at AS "createdAt", ${TIMES}, renewals,
  r.mode, coalesce(renewed_issuer, r.issuer_sha256) AS "issuerSha256",
  r.not_after AS "firstNotAfter", r.issuer_sha256 AS "firstIssuerSha256",
  coalesce(n.certificate_sha256, r.certificate_sha256) AS "certificateSha256", r.labels, r.note`;
// The conditions below are those of linkState and isNotRenewing.
const COUNTS = `SELECT count(*) FILTER (WHERE "revokedAt" IS NOT NULL) AS revoked,
    count(*) FILTER (WHERE "revokedAt" IS NULL AND rest <= 0) AS expired,
    count(*) FILTER (WHERE "revokedAt" IS NULL AND rest > 0 AND rest <= ${EXPIRING_MS} AND rest * 3 <= lifetime) AS expiring,
    count(*) FILTER (WHERE "revokedAt" IS NULL AND rest > 0 AND rest * 4 <= lifetime) AS "notRenewing",
    count(*) FILTER (WHERE "revokedAt" IS NULL AND rest > ${EXPIRING_MS} AND rest * 4 <= lifetime) AS "validNotRenewing",
    count(*) AS total
  FROM (SELECT "revokedAt", "notAfter" - CAST(? AS BIGINT) AS rest, "notAfter" - "issuedAt" AS lifetime
    FROM (SELECT ${TIMES} FROM redemptions r) AS times) AS lives`;
const OPEN_CODES = `SELECT count(*) FROM codes c JOIN grants g ON g.uid = c.grant_uid
  WHERE c.jti NOT LIKE 'id-%' AND c.revoked_at IS NULL AND c.used < c.uses AND c.expires_at > ?
    AND g.revoked_at IS NULL AND g.expires_at > ? AND g.redemptions < g.redemptions_allowed`;
const REFUSALS = `SELECT code, CAST(sum(count) AS BIGINT) AS count, max(last_at) AS "lastAt" FROM refusals
  WHERE last_at >= ? AND ${IS_REFUSAL} GROUP BY code ORDER BY 2 DESC, code`;
const END = `SELECT position, removed, refusals,
  coalesce((SELECT value FROM settings WHERE key = '${LABEL_CHANGES}'), '0'),
  coalesce((SELECT max(last_at) FROM wrong_codes), 0) FROM ledger_end`;
const NEW_KINDS = `SELECT DISTINCT kind FROM
  (SELECT kind FROM events WHERE position > ? ORDER BY position DESC LIMIT ${STEP}) AS last WHERE kind IS NOT NULL`;
/** The resources, other than the ledger, that an entry of each kind changes. */
const CHANGED_BY: Readonly<Record<LedgerKind, readonly ChangingResource[]>> = {
  created: ['grants'],
  changed: ['grants'],
  redeemed: ['grants', 'links'],
  replayed: [],
  renewed: ['links'],
  superseded: [],
  identity_conflict: [],
  revoked: ['links'],
  replaced: ['links'],
  grant_revoked: ['grants'],
  code_recorded: ['grants'],
  code_revoked: ['grants'],
  deleted: ['grants', 'links'],
  setting_changed: [],
  repeatedly_refused: [],
};

/** Implements the LinkStore on an SQL database. */
export function linkStore({ dialect, read }: SqlDatabase): LinkStore {
  return {
    listLinks: (page, matches) => read(() => listLinks(dialect, page, matches)),
    countLinks: (now) => read(() => countLinks(now)),
    countOpenCodes: async (now) => Number(await read(() => value(OPEN_CODES, now, now))),
    countRefusals: (since) => read(() => countRefusals(since)),
    readChanges: (since) => read(() => readChanges(since)),
  };
}

/** A row of a listing: a link, and its position in commit order. */
interface LinkRow extends Omit<IssuedLink, 'grantName' | 'labels'> {
  readonly position: number;
  readonly grantName: string | null;
  /** JSON. */
  readonly labels: string;
}

/** A link, and its position. */
interface PlacedLink {
  readonly position: number;
  readonly link: IssuedLink;
}

/** Changes a row into its link: a copy of each row would take longer than reading it. */
function placedLink(row: LinkRow): PlacedLink {
  const { position, grantName, labels } = row;
  const link: { position?: unknown; grantName?: unknown; labels: unknown } = row;
  delete link.position;
  if (grantName === null) delete link.grantName;
  link.labels = JSON.parse(labels);
  return { position, link: row as unknown as IssuedLink };
}

/** The position before which a page starts: that of its cursor, else the one after the last link. */
function* startBefore(
  { redemptionParts: { from, position } }: SqlDialect,
  { after }: LinkPageRequest,
): SqlOperation<number> {
  if (after !== undefined) return startOf(after, [0])[0];
  return Number((yield* value(`SELECT ${position} FROM ${from} ORDER BY ${position} DESC LIMIT 1`)) ?? 0) + 1;
}

function* listLinks(
  dialect: SqlDialect,
  page: LinkPageRequest,
  matches: (link: IssuedLink) => boolean,
): SqlOperation<Page<IssuedLink>> {
  const { from, position, grantUid } = dialect.redemptionParts;
  const { sameAs } = page;
  const ofGrant = page.grantUid === undefined ? [] : [page.grantUid];
  const ofSite = sameAs ? [sameAs.subject, sameAs.jti] : [];
  let before = yield* startBefore(dialect, page);
  const conditions = [
    ...ofGrant.map(() => `${grantUid} = ?`),
    ...(sameAs ? ['(r.subject = ? OR r.jti = ?)'] : []),
    `${position} < ?`,
  ];
  const sql = `SELECT ${position} AS position, ${LINKS} FROM ${from} LEFT JOIN grants g ON g.uid = r.grant_uid
    ${NEWEST_RENEWAL} WHERE ${conditions.join(' AND ')} ORDER BY ${position} DESC LIMIT ?`;
  const matching: PlacedLink[] = [];
  const rowCount = rowsToRead(page.limit);
  for (let read = 0, step = rowCount; ; step = STEP) {
    const part = (yield* rows<LinkRow>(sql, ...ofGrant, ...ofSite, before, step)).map(placedLink);
    matching.push(...part.filter(({ link }) => matches(link)));
    before = part.at(-1)?.position ?? 0;
    read += part.length;
    if (matching.length >= rowCount || part.length < step)
      return pageOf(
        matching,
        page.limit,
        (placed) => [placed.position],
        ({ link }) => link,
      );
    if (read >= MAX_ROWS_READ)
      return { items: matching.map(({ link }) => link), next: encodeCursor([before]) };
  }
}

function* countLinks(now: number): SqlOperation<LinkCounts> {
  const counted = yield* row<Omit<LinkCounts, 'valid'> & { readonly total: number }>(COUNTS, now);
  const {
    total = 0,
    revoked = 0,
    expired = 0,
    expiring = 0,
    notRenewing = 0,
    validNotRenewing = 0,
  } = counted ?? {};
  const valid = total - revoked - expired - expiring;
  return { valid, expiring, expired, revoked, notRenewing, validNotRenewing };
}

function* countRefusals(since: number): SqlOperation<RefusalSummary> {
  return {
    byCode: yield* rows<RefusalCount>(REFUSALS, since),
    wrongCodes: yield* listWrongCodes(since, MAX_WRONG_CODES),
  };
}

/**
 * The version is the end of the ledger, the number of changes of labels and notes, and the time of the last request with a
 * wrong code, which have no entries.
 */
function* readChanges(since?: string): SqlOperation<Changes> {
  const [end = []] = yield* rawRows(END);
  const version = end.join('.');
  if (since === undefined || since === version) return { version, changed: [] };
  if (!/^(\d{1,15}\.){4}\d{1,15}$/.test(since)) throw new RangeError('not a version of the store');
  const [position = 0, removed, refusals, labelChanges, wrongCodeAt] = since.split('.').map(Number);
  const added = Number(end[0]) - position;
  // Report all resources if the entries do not say which changed: a restored database may have fewer entries, a removed entry
  // has no kind, and NEW_KINDS reads at most STEP entries.
  if (added < 0 || added > STEP || end[1] !== removed) return { version, changed: CHANGING_RESOURCES };
  const kinds = yield* rows<{ readonly kind: LedgerKind }>(NEW_KINDS, position);
  const changed = new Set<ChangingResource>();
  if (end[0] !== position || end[2] !== refusals) changed.add('ledger');
  if (Number(end[3]) !== labelChanges) changed.add('grants').add('links');
  if (end[2] !== refusals || end[4] !== wrongCodeAt) changed.add('grants');
  for (const { kind } of kinds) for (const resource of CHANGED_BY[kind]) changed.add(resource);
  return { version, changed: CHANGING_RESOURCES.filter((resource) => changed.has(resource)) };
}
