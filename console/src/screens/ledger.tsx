import {
  type Api,
  client,
  dataOf,
  omitUndefined,
  type PageQuery,
  readItems,
  readPages,
} from '../api/client.js';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { CsvResult, useCsv } from '../components/download.js';
import { EntryTable, entryKey } from '../components/entry-table.js';
import { FilterChoice, FilterField } from '../components/field.js';
import { KIND_CHOICES } from '../components/ledger-kinds.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { Pager } from '../components/table.js';
import { countText, visible } from '../components/text.js';
import { startOfDay } from '../components/time.js';
import { href, useLocation } from '../state/location.js';
import { usePage } from '../state/page.js';
import { type Preferences, usePreferences } from '../state/preferences.js';
import { useStillPage } from '../state/still-page.js';
import { Verification } from './ledger-verification.js';

type Entry = Api['Event'];

/** A page of entries; `problem` says why a grant that the filter names was not found. */
interface EntryPage {
  readonly list: string;
  readonly items: readonly Entry[];
  readonly next?: string;
  readonly problem?: string;
}

const CSV_COLUMNS = Object.fromEntries(
  (
    [
      ...['time', 'kind', 'grant', 'grantUid', 'seq', 'actor', 'actorName', 'redemptionId', 'name'],
      ...['subject', 'peer', 'jti', 'number', 'serial', 'keySha256', 'certificateSha256', 'notAfter'],
      ...['redemptionsAllowed', 'uses', 'expirationTime', 'setting', 'code', 'count', 'firstTime'],
    ] as const satisfies readonly (keyof Entry)[]
  ).map((column) => [column, (entry: Entry) => entry[column]]),
);

/** The ledger: what happened to grants, tokens and links. */
export function LedgerScreen() {
  const { query } = useLocation();
  const { clock } = usePreferences();
  const { filter, grantName } = filterOf(query, clock);
  const isFiltered = Object.keys(filter).length > 0 || grantName !== undefined;
  const list = `ledger?${query}&clock=${clock}`;
  const read = async (page: PageQuery, signal?: AbortSignal): Promise<EntryPage> => {
    const named = grantName === undefined ? {} : await findGrantUid(grantName, signal);
    if (typeof named === 'string') return { list, items: [], problem: named };
    const found = await dataOf(
      client.GET('/api/v1/events', {
        ...omitUndefined({ signal }),
        params: { query: { ...page, ...filter, ...named } },
      }),
    );
    return { list, ...found };
  };
  const { resource, cursor } = usePage(list, read, ['ledger']);
  const still = useStillPage(resource, entryKey);
  const csv = useCsv('ledger', CSV_COLUMNS, () => readItems(read));
  return (
    <Screen
      title="Ledger"
      intro="The ledger records the events of grants, tokens and links, newest first. Refusals and repeated responses are counted, and shown at the time of the last one."
      actions={
        <Button onClick={csv.run} isDisabled={csv.isRunning}>
          {csv.isRunning ? 'Reading …' : 'Download as CSV'}
        </Button>
      }
    >
      <CsvResult csv={csv} />
      <Filters />
      {isFiltered && (
        <p>
          {filter.grantUid && 'Only entries of one grant. '}
          <a href={href('/ledger')}>Show all entries</a>
        </p>
      )}
      <Loaded resource={still.resource}>
        {({ items, next, problem }) => (
          <>
            {cursor === undefined && <Newer {...still} />}
            {items.length > 0 && <EntryTable entries={items} />}
            {items.length === 0 && (
              <EmptyState
                title={isFiltered || cursor ? 'No entry on this page matches' : 'The ledger is empty'}
              >
                <p>
                  {problem ??
                    (isFiltered || cursor
                      ? 'Change the filter, or continue with the next page if there is one.'
                      : 'Its first entry appears when a grant is created.')}
                </p>
              </EmptyState>
            )}
            <Pager next={next} count={items.length} />
          </>
        )}
      </Loaded>
      <Command
        words={[
          ...['ledger', 'list'],
          ...Object.entries({ ...filter, grantUid: filter.grantUid ?? grantName }).flatMap(([name, value]) =>
            value === undefined ? [] : [`--${name === 'grantUid' ? 'grant' : name}`, value],
          ),
        ]}
      />
      <Verification />
    </Screen>
  );
}

/** What the address selects, as parameters of a request; a grant can be named instead of its UID. */
function filterOf(query: URLSearchParams, clock: Preferences['clock']) {
  const chosen = (name: string) => query.get(name) || undefined;
  const [since, until, grantName] = [chosen('since'), chosen('until'), chosen('grant')];
  return {
    grantName,
    filter: omitUndefined({
      kind: chosen('kind') as Entry['kind'] | undefined,
      actor: chosen('actor'),
      grantUid: grantName === undefined ? chosen('grantUid') : undefined,
      subject: chosen('subject'),
      since: since && startOfDay(since, clock),
      until: until && startOfDay(until, clock, 1),
    }),
  };
}

/** Returns the UID of the only grant of this name, or a sentence that says why it is not known. */
async function findGrantUid(
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly grantUid: string } | string> {
  const found: string[] = [];
  const pages = readPages((page) =>
    dataOf(
      client.GET('/api/v1/grants', { ...omitUndefined({ signal }), params: { query: { ...page, name } } }),
    ),
  );
  // A page contains only the grants of this name, so it can be empty although a later one is not.
  for await (const { items } of pages) {
    found.push(...items.map(({ uid }) => uid));
    if (found.length > 1) break;
  }
  const [grantUid, another] = found;
  if (grantUid && !another) return { grantUid };
  return another
    ? `Several grants have the name "${visible(name)}". Open one of them, and choose "Ledger entries of this grant".`
    : `No grant has the name "${visible(name)}". To see the entries of a deleted grant, choose its name in the list.`;
}

function Filters() {
  return (
    <search class="filters row">
      <FilterChoice label="Event" name="kind" options={KIND_CHOICES} />
      <FilterField label="Subject" name="subject" placeholder="east or branch-*" />
      <FilterField label="Grant" name="grant" />
      <FilterField label="Actor" name="actor" placeholder="alice or local:*" />
      <FilterField label="Since" name="since" isDate />
      <FilterField label="Until" name="until" isDate />
    </search>
  );
}

/** A button that shows the entries that arrived since the page was read. Without any it stays, so that it keeps the focus. */
function Newer({ newer, isAtLeast, showNewer }: Omit<ReturnType<typeof useStillPage>, 'resource'>) {
  return (
    <div role="status">
      <Button isSmall isDisabled={newer === 0} onClick={showNewer}>
        {newer === 0
          ? 'No new entries'
          : `${isAtLeast ? 'At least ' : ''}${countText(newer, 'new entry', 'new entries')}`}
      </Button>
    </div>
  );
}
