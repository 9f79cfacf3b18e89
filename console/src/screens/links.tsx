import { type Api, client, dataOf, omitUndefined } from '../api/client.js';
import { ButtonLink } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { Choice, FilterField } from '../components/field.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Labels } from '../components/labels.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { ConnectedLabel, Label, StateLabel } from '../components/state-label.js';
import { type Column, Pager, Table } from '../components/table.js';
import { Foreign } from '../components/text.js';
import { Time } from '../components/time.js';
import { href, useLocation } from '../state/location.js';
import { setFilter, usePage } from '../state/page.js';
import { useNamespaceFlags } from '../state/session.js';

type Link = Api['Link'];

const COLUMNS: readonly Column<Link>[] = [
  {
    header: 'Subject',
    isHeader: true,
    cell: ({ id, subject, labels }) => (
      <>
        <ForeignLink to={href(`/links/${id}`)} text={subject} />
        <Labels labels={labels} />
      </>
    ),
  },
  { header: 'Connected', cell: ({ connected }) => <ConnectedLabel connected={connected} /> },
  { header: 'Certificate', cell: ({ state }) => <StateLabel state={state} /> },
  {
    header: 'Expires',
    cell: ({ notAfter, notRenewing }) => (
      <>
        <Time at={notAfter} />
        {notRenewing && (
          <>
            {' '}
            <Label tone="orange" icon="warning">
              not renewing
            </Label>
          </>
        )}
      </>
    ),
  },
  { header: 'Renewals', isMinor: true, cell: ({ renewals }) => renewals },
  { header: 'Since', isMinor: true, cell: ({ since }) => <Time at={since} /> },
  { header: 'Source', isMinor: true, cell: ({ peer }) => <Foreign text={peer} /> },
  { header: 'Link', isMinor: true, cell: ({ name }) => <Foreign text={name} /> },
  {
    header: 'Grant',
    isMinor: true,
    cell: ({ grant, grantUid }) =>
      grant === undefined ? (
        <span class="subtle">deleted</span>
      ) : (
        <ForeignLink to={href(`/grants/${grantUid}`)} text={grant} />
      ),
  },
];

const STATES = [
  ['', 'Any'],
  ['valid', 'Valid'],
  ['expiring', 'Expiring'],
  ['expired', 'Expired'],
  ['revoked', 'Revoked'],
] as const;

const RENEWING = [
  ['', 'Any'],
  ['true', 'Overdue'],
] as const;

/** A text without wildcards matches anywhere in a subject. */
function globOf(text: string): string {
  return /[*?]/.test(text) ? text : `*${text}*`;
}

/** The links of this network, a page at a time. */
export function LinksScreen() {
  const { query } = useLocation();
  const text = query.get('subject') ?? '';
  const filter = omitUndefined({
    subject: text === '' ? undefined : globOf(text),
    namespace: query.get('namespace') || undefined,
    label: query.get('label') || undefined,
    state: (query.get('state') as Link['state']) || undefined,
    notRenewing: query.get('notRenewing') === 'true' ? ('true' as const) : undefined,
    grantUid: query.get('grantUid') || undefined,
    signedBy: query.get('signedBy') || undefined,
  });
  const namespaceFlags = useNamespaceFlags(filter.namespace);
  const isFiltered = Object.keys(filter).length > 0;
  const { resource, cursor } = usePage(
    `links?${query}`,
    (page, signal) =>
      dataOf(client.GET('/api/v1/links', { signal, params: { query: { ...page, ...filter } } })),
    ['links'],
  );
  return (
    <Screen
      title="Links"
      intro="A link belongs to a site that has redeemed a token. It can connect until its certificate expires. The site can renew the certificate until you revoke the link."
    >
      <search class="filters row">
        <FilterField
          label="Subject"
          value={text}
          onFilter={(subject) => setFilter({ subject })}
          placeholder="east or branch-*"
        />
        <FilterField
          label="Namespace"
          value={query.get('namespace') ?? ''}
          onFilter={(namespace) => setFilter({ namespace })}
        />
        <FilterField
          label="Labels"
          value={filter.label ?? ''}
          onFilter={(label) => setFilter({ label })}
          placeholder="team=payments"
        />
        <Choice
          label="Certificate"
          value={filter.state ?? ''}
          options={STATES}
          onInput={(state) => setFilter({ state })}
        />
        <Choice
          label="Renewal"
          value={filter.notRenewing ?? ''}
          options={RENEWING}
          onInput={(notRenewing) => setFilter({ notRenewing })}
        />
        {filter.grantUid && (
          <p>
            Only links of <a href={href(`/grants/${filter.grantUid}`)}>one grant</a>.{' '}
            <a href={href('/links')}>Show all</a>
          </p>
        )}
        {filter.signedBy && (
          <p>
            Only links with a valid certificate of <a href={href('/issuers')}>one CA</a>.{' '}
            <a href={href('/links')}>Show all</a>
          </p>
        )}
      </search>
      <Loaded resource={resource}>
        {({ items, next }) => (
          <>
            {items.length > 0 && (
              <Table caption="Links, newest first" columns={COLUMNS} items={items} keyOf={({ id }) => id} />
            )}
            {items.length === 0 && isFiltered && (
              <EmptyState title={next === undefined ? 'No link matches' : 'No link on this page matches'}>
                <p>
                  {next === undefined
                    ? 'Change the filter.'
                    : 'Continue with the next page, or change the filter.'}
                </p>
              </EmptyState>
            )}
            {items.length === 0 && !isFiltered && cursor === undefined && (
              <EmptyState title="No site has joined yet">
                <p>A site appears here when it has redeemed a token. Tokens are issued from grants.</p>
                <ButtonLink href={href('/grants')}>Go to the grants</ButtonLink>
              </EmptyState>
            )}
            <Pager next={next} count={items.length} />
          </>
        )}
      </Loaded>
      <Command
        words={[
          'redemption',
          'list',
          ...namespaceFlags,
          ...(filter.subject ? ['--subject', filter.subject] : []),
          ...(filter.grantUid ? ['--grant', filter.grantUid] : []),
          ...(filter.label ? ['-l', filter.label] : []),
          ...(filter.state ? ['--state', filter.state] : []),
          ...(filter.notRenewing ? ['--overdue'] : []),
          ...(filter.signedBy ? ['--signed-by', filter.signedBy] : []),
        ]}
      />
    </Screen>
  );
}
