import type { DatabaseStore } from '../../../redemption/ports/database-store.js';
import {
  type AttemptTotal,
  type LedgerPage,
  type ListedEntry,
  totalEntry,
  UNREFUSED,
} from '../../../redemption/ports/ledger-store.js';
import {
  encodeCursor,
  type Page,
  pageOf,
  rowsToRead,
  selectItems,
  startOf,
} from '../../../redemption/ports/page.js';
import { rows, type SqlDialect, type SqlOperation, type SqlValue } from '../operation.js';
import type { SqlDatabase } from '../sql-database.js';
import { EVENT_FIELDS, type EventRow, entryOf } from './ledger-reads.js';

/** Condition for the totals that count refusals. */
export const IS_REFUSAL = `code NOT IN (${UNREFUSED.map((code) => `'${code}'`).join(', ')})`;
// The first entry of a grant has its name, also after the grant was deleted.
const GRANT_NAME = `(SELECT c.detail ->> 'name' FROM events c WHERE c.grant_uid = e.grant_uid AND c.seq = 1) AS "grantName"`;
const KEYS = 'SELECT e.at, e.position FROM events e';
const ENTRIES = `SELECT ${EVENT_FIELDS}, e.position, ${GRANT_NAME}
  FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id`;
// The subject that the item has. In this form a search reads only the redemptions of entries without a subject of their own.
const LISTED_SUBJECT = `coalesce(e.detail ->> 'subject', (SELECT subject FROM redemptions WHERE id = e.redemption_id))`;
const NEWEST_ENTRIES = 'ORDER BY e.at DESC, e.position DESC LIMIT';
const TOTALS = `SELECT grant_uid AS "grantUid", code, name, subject, peer, jti, count, first_at AS "firstAt",
  last_at AS "lastAt", ${GRANT_NAME} FROM refusals e`;
const TOTAL_COLUMNS = ['grant_uid', 'code', 'name', 'subject', 'peer'];
const NO_TOTAL = TOTAL_COLUMNS.map(() => '');
const NEWEST_TOTALS = `ORDER BY last_at DESC, ${TOTAL_COLUMNS.map((column) => `${column} DESC`).join(', ')} LIMIT`;
const TOTAL_KEYS = `SELECT last_at AS at, ${TOTAL_COLUMNS.join(', ')} FROM refusals`;
const TOTAL_KEY = `(last_at, CAST(0 AS BIGINT), ${TOTAL_COLUMNS.join(', ')})`;
const KEY_VALUES = '(?, ?, ?, ?, ?, ?, ?)';
// A search for a kind, an actor or a subject reads at most this many entries, and this many totals, at once.
const MAX_SEARCHED = 10_000;

/** The place of an item in a listing, which is in descending order: time, position, and the columns of a total at position 0. */
type ListedKey = readonly [at: number, position: number, ...total: string[]];

/** A condition, with the values for its placeholders. */
type Condition = readonly [sql: string, ...values: SqlValue[]];

/** The part of a listing to read: from `start`, which is excluded, to `end`, which is not; at most `limit` rows. */
interface ListedRange {
  readonly start: ListedKey;
  readonly end: ListedKey;
  readonly limit: number;
}

interface Positioned {
  readonly at: number;
  readonly position: number;
}

interface Named {
  readonly grantName: string | null;
}

interface ListedRow {
  readonly key: ListedKey;
  readonly item: ListedEntry;
}

/** Implements LedgerStore.listLedger on an SQL database. */
export function ledgerListing({ dialect, read }: SqlDatabase) {
  return {
    listLedger: async (page, matches) => selectItems(await read(() => listLedger(page, dialect)), matches),
  } satisfies Partial<DatabaseStore>;
}

function* listLedger(page: LedgerPage, dialect: SqlDialect): SqlOperation<Page<ListedEntry>> {
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = page;
  const latest: ListedKey = [until, 0, ...NO_TOTAL];
  const cursor = startOf(page.after, latest);
  const range: ListedRange = {
    start: cursor[0] < until ? cursor : latest,
    end: [since, 0, ...NO_TOTAL],
    limit: rowsToRead(page.limit),
  };
  const search = searchOf(page, dialect);
  const hasEntries = page.kind !== 'refused';
  // A total names no actor.
  const hasTotals = page.actorPart === undefined && totalsOf(page.kind) !== undefined;
  const last = search.length > 0 ? yield* lastSearched(page, range, { hasEntries, hasTotals }) : undefined;
  const searched = last ? { ...range, end: last } : range;
  const entries = hasEntries ? yield* listEntries(page, searched, search) : [];
  const totals = hasTotals ? yield* listTotals(page, searched, dialect) : [];
  // Both are in order. At the same time, entries precede totals.
  const found = [...entries, ...totals].sort((one, other) => other.key[0] - one.key[0]);
  const listed = pageOf<ListedRow, ListedEntry>(
    found,
    page.limit,
    ({ key }) => key,
    ({ item }) => item,
  );
  return listed.next === undefined && last ? { ...listed, next: encodeCursor(last) } : listed;
}

function* listEntries(
  page: LedgerPage,
  range: ListedRange,
  search: readonly Condition[],
): SqlOperation<readonly ListedRow[]> {
  const conditions = [...entriesIn(range, page), ...search];
  const found = yield* select<EventRow & Positioned & Named>(
    ENTRIES,
    conditions,
    `${NEWEST_ENTRIES} ?`,
    range.limit,
  );
  return found.map(({ position, grantName, ...row }) => ({
    key: [row.at, position, ...NO_TOTAL],
    item: withName(entryOf(row), grantName),
  }));
}

function* listTotals(
  page: LedgerPage,
  range: ListedRange,
  dialect: SqlDialect,
): SqlOperation<readonly ListedRow[]> {
  const conditions = [
    ...totalsIn(range, page),
    ...(totalsOf(page.kind) ?? []),
    ...containing(dialect, page.subjectPart, ['subject']),
  ];
  const found = yield* select<AttemptTotal & Named>(TOTALS, conditions, `${NEWEST_TOTALS} ?`, range.limit);
  return found.map(({ grantName, ...total }) => ({
    key: [total.lastAt, 0, total.grantUid, total.code, total.name, total.subject, total.peer],
    item: withName(totalEntry(total), grantName),
  }));
}

/** The condition for the totals of a kind; undefined if it has none. The code of a refusal can be the name of another kind. */
function totalsOf(kind: LedgerPage['kind']): readonly Condition[] | undefined {
  if (kind === undefined) return [];
  if (kind === 'refused') return [[IS_REFUSAL]];
  return UNREFUSED.some((code) => code === kind) ? equal('code', kind) : undefined;
}

/**
 * The key of the last item that one step of a search reads: of the entry or the total that ends its part sooner. Undefined if one
 * step reads the whole range.
 */
function* lastSearched(
  page: LedgerPage,
  range: ListedRange,
  { hasEntries, hasTotals }: { readonly hasEntries: boolean; readonly hasTotals: boolean },
): SqlOperation<ListedKey | undefined> {
  const place = `1 OFFSET ${MAX_SEARCHED - 1}`;
  const entries = hasEntries
    ? yield* select<Positioned>(KEYS, entriesIn(range, page), `${NEWEST_ENTRIES} ${place}`)
    : [];
  const totals = hasTotals
    ? yield* select<Record<string, string>>(TOTAL_KEYS, totalsIn(range, page), `${NEWEST_TOTALS} ${place}`)
    : [];
  const keys: ListedKey[] = [
    ...entries.map(({ at, position }) => [at, position, ...NO_TOTAL] as const),
    ...totals.map(({ at, ...columns }) => [Number(at), 0, ...Object.values(columns)] as const),
  ];
  // At the same time, entries precede totals.
  return keys.sort(([one], [other]) => other - one)[0];
}

/** The conditions for entries that no index serves. */
function searchOf({ kind, actorPart, subjectPart }: LedgerPage, dialect: SqlDialect): readonly Condition[] {
  return [
    ...equal('e.kind', kind),
    ...containing(dialect, actorPart, ["e.detail ->> 'actor'", "e.detail ->> 'actorName'"]),
    ...containing(dialect, subjectPart, [LISTED_SUBJECT]),
  ];
}

function entriesIn({ start, end }: ListedRange, { grantUid }: LedgerPage): readonly Condition[] {
  return [
    ['(e.at, e.position) < (?, ?)', start[0], start[1]],
    ['(e.at, e.position) >= (?, ?)', end[0], end[1]],
    ...equal('e.grant_uid', grantUid),
  ];
}

function totalsIn({ start, end }: ListedRange, { grantUid }: LedgerPage): readonly Condition[] {
  return [
    [`${TOTAL_KEY} < ${KEY_VALUES}`, ...start],
    [`${TOTAL_KEY} >= ${KEY_VALUES}`, ...end],
    ...equal('grant_uid', grantUid),
  ];
}

function equal(column: string, wanted: string | undefined): readonly Condition[] {
  return wanted === undefined ? [] : [[`${column} = ?`, wanted]];
}

function containing(
  dialect: SqlDialect,
  part: string | undefined,
  texts: readonly string[],
): readonly Condition[] {
  if (part === undefined) return [];
  const conditions = texts.map((text) => dialect.contains(text));
  return [[`(${conditions.join(' OR ')})`, ...texts.map(() => part.toLowerCase())]];
}

function select<Row>(
  sql: string,
  conditions: readonly Condition[],
  tail: string,
  ...values: readonly SqlValue[]
): SqlOperation<readonly Row[]> {
  const where = conditions.map(([condition]) => condition).join(' AND ');
  return rows<Row>(`${sql} WHERE ${where} ${tail}`, ...conditions.flatMap(([, ...own]) => own), ...values);
}

function withName(item: ListedEntry, grantName: string | null): ListedEntry {
  return grantName === null ? item : { ...item, grantName };
}
