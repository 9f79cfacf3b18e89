import { formatActor } from '../../../src/domain/actor.js';
import { csvLine } from '../../../src/domain/csv.js';
import { type Api, client, dataOf, omitUndefined } from '../api/client.js';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { download } from '../components/download.js';
import { FilterField } from '../components/field.js';
import { kindText } from '../components/ledger-kinds.js';
import { EmptyState, Failure, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { type Column, Pager, Table } from '../components/table.js';
import { countText, Foreign } from '../components/text.js';
import { startOfDay, Time } from '../components/time.js';
import { useAction } from '../state/action.js';
import { href, useLocation } from '../state/location.js';
import { type PageQuery, setFilter, usePage } from '../state/page.js';
import { usePreferences } from '../state/preferences.js';
import { Verification } from './ledger-verification.js';

type Entry = Api['Event'];

const CSV_PAGE = 500;

const COLUMNS: readonly Column<Entry>[] = [
  { header: 'Time', isHeader: true, cell: ({ time }) => <Time at={time} /> },
  {
    header: 'Event',
    cell: ({ kind, code, count, setting }) =>
      `${kindText(kind === 'refused' && code ? code : kind)}${setting ? `: ${setting}` : ''}${count === undefined ? '' : ` (${countText(count, 'time')})`}`,
  },
  { header: 'Actor', cell: (entry) => <Foreign text={formatActor(entry) ?? ''} /> },
  { header: 'Subject', cell: ({ subject }) => subject && <Foreign text={subject} /> },
  { header: 'From', cell: ({ peer }) => peer && <Foreign text={peer} /> },
  {
    header: 'Object',
    cell: ({ redemptionId, grantUid }) =>
      redemptionId ? (
        <a href={href(`/links/${redemptionId}`)}>Open the link</a>
      ) : (
        grantUid && <a href={href(`/grants/${grantUid}`)}>Open the grant</a>
      ),
  },
  { header: 'Number', cell: ({ seq }) => seq },
];

const CSV_COLUMNS = [
  'time',
  'kind',
  'grantUid',
  'seq',
  'actor',
  'actorName',
  'redemptionId',
  'name',
  'subject',
  'peer',
  'jti',
  'number',
  'serial',
  'keySha256',
  'certificateSha256',
  'notAfter',
  'redemptionsAllowed',
  'uses',
  'expirationTime',
  'setting',
  'code',
  'count',
  'firstTime',
] as const satisfies readonly (keyof Entry)[];

/** The ledger: what happened to grants, tokens and links. */
export function LedgerScreen() {
  const { query } = useLocation();
  const { clock } = usePreferences();
  const since = query.get('since') ?? '';
  const filter = omitUndefined({
    subject: query.get('subject') || undefined,
    grantUid: query.get('grantUid') || undefined,
    since: since === '' ? undefined : startOfDay(since, clock),
  });
  const isFiltered = Object.keys(filter).length > 0;
  const read = (page: PageQuery, signal?: AbortSignal) =>
    dataOf(
      client.GET('/api/v1/events', {
        ...omitUndefined({ signal }),
        params: { query: { ...page, ...filter } },
      }),
    );
  const { resource, cursor } = usePage(`ledger?${query}&clock=${clock}`, read, ['ledger']);
  const csv = useAction(async () => {
    const entries: Entry[] = [];
    let after: string | undefined;
    do {
      const page = await read({ limit: CSV_PAGE, ...omitUndefined({ cursor: after }) });
      entries.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    download('ledger.csv', 'text/csv', csvOf(entries));
  });
  return (
    <Screen
      title="Ledger"
      intro="The ledger records the events of grants, tokens and links, newest first."
      actions={
        <Button onClick={csv.run} isDisabled={csv.isRunning}>
          {csv.isRunning ? 'Reading …' : 'Download as CSV'}
        </Button>
      }
    >
      <Failure error={csv.error} />
      <Verification />
      <search class="filters row">
        <FilterField
          label="Subject"
          value={query.get('subject') ?? ''}
          onFilter={(subject) => setFilter({ subject })}
          placeholder="east or branch-*"
        />
        <FilterField label="Since" isDate value={since} onFilter={(day) => setFilter({ since: day })} />
        {filter.grantUid && (
          <p>
            Only entries of <a href={href(`/grants/${filter.grantUid}`)}>one grant</a>.{' '}
            <a href={href('/ledger')}>Show all</a>
          </p>
        )}
      </search>
      <Loaded resource={resource}>
        {({ items, next }) => (
          <>
            {items.length > 0 && (
              <Table
                caption="Entries of the ledger"
                columns={COLUMNS}
                items={items}
                keyOf={(entry) => JSON.stringify(entry)}
              />
            )}
            {items.length === 0 && (
              <EmptyState
                title={isFiltered || cursor ? 'No entry on this page matches' : 'The ledger is empty'}
              >
                <p>
                  {isFiltered || cursor
                    ? 'Change the filter, or continue with the next page if there is one.'
                    : 'Its first entry appears when a grant is created.'}
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
          ...(filter.subject ? ['--subject', filter.subject] : []),
          ...(filter.grantUid ? ['--grant', filter.grantUid] : []),
          ...(filter.since ? ['--since', filter.since] : []),
        ]}
      />
    </Screen>
  );
}

/** Returns entries of the ledger as comma-separated values (RFC 4180) with a header. */
function csvOf(entries: readonly Entry[]): string {
  return [CSV_COLUMNS, ...entries.map((entry) => CSV_COLUMNS.map((column) => entry[column]))]
    .map(csvLine)
    .join('');
}
