import { DAY_MS } from '../../../src/domain/duration.js';
import { type Api, client, dataOf } from '../api/client.js';
import { Section } from '../components/details.js';
import { entryKey } from '../components/entry-table.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Loaded } from '../components/notice.js';
import { refusalOf } from '../components/refusals.js';
import { type Column, Table } from '../components/table.js';
import { Foreign, Prose, visible } from '../components/text.js';
import { TimeAndDistance } from '../components/time.js';
import { UnlessJoined } from '../components/unless-joined.js';
import { WRONG_CODE_REMEDY, WrongCodes } from '../components/wrong-codes.js';
import { href } from '../state/location.js';
import { useOpenTokens } from '../state/open-tokens.js';
import { useResource } from '../state/resource.js';

type Entry = Api['Event'];
type Overview = Api['Overview'];

const MAX_ENTRIES = 5;

const columnsFor = (openTokens: readonly Api['Token'][]): readonly Column<Entry>[] => [
  { header: 'Site', isHeader: true, cell: ({ subject }) => <Foreign text={subject || 'several'} /> },
  {
    header: 'Grant',
    cell: ({ grant, grantUid }) =>
      grantUid && <ForeignLink to={href(`/grants/${grantUid}`)} text={grant ?? grantUid} />,
  },
  { header: 'Reason', cell: ({ code = '' }) => refusalOf(code)?.title ?? visible(code) },
  { header: 'Requests', cell: ({ count }) => count },
  { header: 'Last', cell: ({ time }) => <TimeAndDistance at={time} /> },
  {
    header: 'What to do',
    cell: ({ code = '', grantUid, subject = '', time }) => (
      <UnlessJoined subject={subject} at={time}>
        {subject !== '' && openTokens.some((token) => token.subject === subject) ? (
          <>
            A <a href={href('/tokens')}>token for this site is open</a>.
          </>
        ) : (
          <Prose text={refusalOf(code)?.remedy ?? ''} />
        )}{' '}
        {grantUid && <a href={href(`/grants/${grantUid}`)}>Open the grant</a>}
      </UnlessJoined>
    ),
  },
];

/** The last refusals of the last day: which site, which grant and why, and the grants for which a wrong code was sent. */
export function RecentRefusals({ time, refusals, wrongCodes }: Overview) {
  return (
    <Section title="Refusals of the last day">
      {refusals.length + wrongCodes.length === 0 && <p>No site was refused.</p>}
      {wrongCodes.length > 0 && (
        <>
          <ul class="pf-v6-c-list">
            {wrongCodes.map(({ grantUid, grant, requests }) => (
              <li key={grantUid}>
                Grant <ForeignLink to={href(`/grants/${grantUid}`)} text={grant} />:{' '}
                <WrongCodes {...requests} />
              </li>
            ))}
          </ul>
          <p>{WRONG_CODE_REMEDY}</p>
        </>
      )}
      {refusals.length > 0 && <Entries until={time} />}
    </Section>
  );
}

function Entries({ until }: { readonly until: string }) {
  const since = new Date(Date.parse(until) - DAY_MS).toISOString();
  const resource = useResource(
    'overview/refusals',
    (signal) =>
      dataOf(
        client.GET('/api/v1/events', {
          signal,
          params: { query: { kind: 'refused', since, limit: MAX_ENTRIES } },
        }),
      ),
    ['ledger'],
  );
  const openTokens = useOpenTokens();
  return (
    <Loaded resource={resource}>
      {({ items, next }) => (
        <>
          <Table
            caption="The last refusals, newest first"
            columns={columnsFor(openTokens)}
            items={items}
            keyOf={entryKey}
          />
          <p>
            Each number includes earlier refusals of the same site for the same reason.{' '}
            {next && `These are the last ${MAX_ENTRIES}. `}
            <a href={href('/ledger', { kind: 'refused' })}>All refusals</a>
          </p>
        </>
      )}
    </Loaded>
  );
}
