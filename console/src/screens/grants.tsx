import { useState } from 'preact/hooks';
import { type Api, client, dataOf, omitUndefined } from '../api/client.js';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { FilterChoice, FilterField } from '../components/field.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Labels } from '../components/labels.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { StateLabel } from '../components/state-label.js';
import { type Column, Pager, Table } from '../components/table.js';
import { Foreign } from '../components/text.js';
import { Time } from '../components/time.js';
import { CleanUp } from '../dialogs/clean-up.js';
import { CreateGrant } from '../dialogs/create-grant.js';
import { ExtendInRow } from '../dialogs/extend-grant.js';
import { href, replaceQuery, useLocation } from '../state/location.js';
import { usePage } from '../state/page.js';
import { useCanWrite, useNamespaceFlags } from '../state/session.js';

type Grant = Api['Grant'];

const COLUMNS: readonly Column<Grant>[] = [
  {
    header: 'Name',
    isHeader: true,
    cell: ({ name, uid }) => <ForeignLink to={href(`/grants/${uid}`)} text={name} />,
  },
  { header: 'Namespace', isMinor: true, cell: ({ namespace }) => <Foreign text={namespace} /> },
  {
    header: 'State',
    cell: (grant) => (
      <div class="row">
        <StateLabel state={grant.state} />
        <ExtendInRow grant={grant} />
      </div>
    ),
  },
  {
    header: 'Redeemed',
    cell: ({ redemptions, redemptionsAllowed }) => `${redemptions} of ${redemptionsAllowed}`,
  },
  {
    header: 'Expires',
    cell: ({ expirationTime }) => (expirationTime ? <Time at={expirationTime} /> : 'not started'),
  },
  { header: 'Labels', cell: ({ labels }) => <Labels labels={labels} list="/grants" /> },
  { header: 'Created', isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
];

const STATES = [
  ['', 'Any'],
  ['ready', 'Ready'],
  ['pending', 'Pending'],
  ['exhausted', 'Used up'],
  ['expired', 'Expired'],
  ['revoked', 'Revoked'],
] as const;

/** The grants, a page at a time. */
export function GrantsScreen() {
  const { query } = useLocation();
  const canWrite = useCanWrite();
  const [isCleaning, setCleaning] = useState(false);
  const setCreating = (isOpen: boolean) => replaceQuery({ create: isOpen ? 'grant' : undefined });
  const filter = omitUndefined({
    name: query.get('name') || undefined,
    namespace: query.get('namespace') || undefined,
    label: query.get('label') || undefined,
    state: (query.get('state') as Grant['state']) || undefined,
  });
  const namespaceFlags = useNamespaceFlags(filter.namespace);
  const isFiltered = Object.keys(filter).length > 0;
  const { resource, cursor } = usePage(
    `grants?${query}`,
    (page, signal) =>
      dataOf(client.GET('/api/v1/grants', { signal, params: { query: { ...page, ...filter } } })),
    ['grants'],
  );
  return (
    <Screen
      title="Grants"
      intro="A grant allows sites to join this network. It sets how many, until when, and by which rules. A site redeems a token of the grant."
      actions={
        canWrite && (
          <>
            <Button kind="primary" onClick={() => setCreating(true)}>
              Create a grant
            </Button>
            <Button onClick={() => setCleaning(true)}>Delete ended grants</Button>
          </>
        )
      }
    >
      <p>
        <a href={href('/tokens')}>Open tokens of all grants</a>
      </p>
      <search class="filters row">
        <FilterField label="Name" name="name" />
        <FilterField label="Namespace" name="namespace" />
        <FilterField label="Labels" name="label" placeholder="team=payments" />
        <FilterChoice label="State" name="state" options={STATES} />
      </search>
      <Loaded resource={resource}>
        {({ items, next }) => (
          <>
            {items.length > 0 && (
              <Table caption="Grants" columns={COLUMNS} items={items} keyOf={({ uid }) => uid} />
            )}
            {items.length === 0 && isFiltered && (
              <EmptyState title="No grant matches">
                <p>Change the filter. The filter needs the complete name of a grant.</p>
              </EmptyState>
            )}
            {items.length === 0 && !isFiltered && cursor === undefined && (
              <EmptyState title="There is no grant yet">
                <p>To link a site, create a grant, issue a token for it and redeem the token on that site.</p>
                {canWrite && (
                  <Button kind="primary" onClick={() => setCreating(true)}>
                    Create the first grant
                  </Button>
                )}
              </EmptyState>
            )}
            <Pager next={next} count={items.length} />
          </>
        )}
      </Loaded>
      <Command
        words={[
          'grant',
          'list',
          ...namespaceFlags,
          ...(filter.name ? ['--name', filter.name] : []),
          ...(filter.label ? ['-l', filter.label] : []),
          ...(filter.state ? ['--state', filter.state] : []),
        ]}
      />
      {query.get('create') && canWrite && <CreateGrant onClose={() => setCreating(false)} />}
      {isCleaning && <CleanUp onClose={() => setCleaning(false)} />}
    </Screen>
  );
}
