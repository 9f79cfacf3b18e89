import { useState } from 'preact/hooks';
import { parseDuration } from '../../../src/domain/duration.js';
import type { paths } from '../../../src/domain/generated/admin-api.js';
import { type Api, client, dataOf, omitUndefined, type PageQuery, readItems } from '../api/client.js';
import { Button, ButtonLink } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { CsvResult, useCsv } from '../components/download.js';
import { FilterChoice, FilterField } from '../components/field.js';
import { EmptyState, Loaded, UnobservedNotice } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { EXPIRING_WORDS } from '../components/state-label.js';
import { Pager, Table } from '../components/table.js';
import { countText, visible } from '../components/text.js';
import { startOfNextMonth } from '../components/time.js';
import { RevokeLinks } from '../dialogs/revoke-links.js';
import { focusMain, href, useLocation } from '../state/location.js';
import { setFilter, usePage } from '../state/page.js';
import { type Preferences, usePreferences } from '../state/preferences.js';
import { useObservesConnections } from '../state/service.js';
import { useCanWrite, useNamespaceFlags, useSession } from '../state/session.js';
import { CONNECTED, inOrder, LINK_COLUMNS, LINK_CSV_COLUMNS } from './link-columns.js';

type Link = Api['Link'];
type Sort = Api['LinkSort'];
type LinkQuery = paths['/api/v1/links']['get']['parameters']['query'];

const NEWEST_FIRST = '-since';
const SOONEST_FIRST = 'notAfter';

const STATES = [
  ['', 'Any'],
  ['valid', 'Valid'],
  ['expiring', 'Expiring, not renewed'],
  ['expired', 'Expired'],
  ['revoked', 'Revoked'],
] as const;

const RENEWING = [
  ['', 'Any'],
  ['true', 'Overdue'],
] as const;

const EXPIRES = [
  ['', 'Any time'],
  ['24h', 'Within 24 hours'],
  ['7d', 'Within 7 days'],
  ['month', 'This month'],
  ['30d', 'Within 30 days'],
] as const;

/** The orders that `redemption list` has too. */
const SORT_BY: Readonly<Record<string, string>> = {
  subject: 'subject',
  grant: 'grant',
  since: 'time',
  notAfter: 'certificate-expires',
};

/** The links of this network, a page at a time. */
export function LinksScreen() {
  const { query } = useLocation();
  const observesConnections = useObservesConnections();
  const canWrite = useCanWrite();
  const { isCluster } = useSession();
  // Links of other pages and filters stay selected.
  const [selected, setSelected] = useState<ReadonlyMap<string, Link>>(new Map());
  const [isRevoking, setRevoking] = useState(false);
  const { clock } = usePreferences();
  const [expires, expiresWords] = EXPIRES.find(([choice]) => choice === query.get('expires')) ?? EXPIRES[0];
  const defaultSort = expires ? SOONEST_FIRST : NEWEST_FIRST;
  const sort = (query.get('sort') || defaultSort) as Sort;
  const filter = omitUndefined({
    search: query.get('search') || undefined,
    namespace: query.get('namespace') || undefined,
    label: query.get('label') || undefined,
    state: (query.get('state') as Link['state']) || undefined,
    notRenewing: query.get('notRenewing') === 'true' ? ('true' as const) : undefined,
    grantUid: query.get('grantUid') || undefined,
    signedBy: query.get('signedBy') || undefined,
  });
  const namespaceFlags = useNamespaceFlags(filter.namespace);
  const isFiltered = expires !== '' || Object.keys(filter).length > 0;
  const read = (page: PageQuery & { readonly sort?: Sort }, signal?: AbortSignal) =>
    readLinks({ ...page, ...filter, ...omitUndefined({ expiresBefore: timeOf(expires, clock) }) }, signal);
  const { resource } = usePage(
    `links?${query}&clock=${clock}`,
    (page, signal) => read({ ...page, sort }, signal),
    ['links'],
  );
  const csvName =
    selected.size === 0 && expires
      ? `links-expire-${expiresWords.toLowerCase().replaceAll(' ', '-')}`
      : 'links';
  const csv = useCsv(csvName, LINK_CSV_COLUMNS, async () => {
    // Without `sort` the service reads each link once for all pages. A selected link may not match the present filter.
    if (selected.size === 0) return inOrder(await readItems(read), sort);
    return inOrder(
      (await readItems(readLinks)).filter(({ id }) => selected.has(id)),
      sort,
    );
  });
  const clearSelection = () => {
    setSelected(new Map());
    // The button disappears with the selection.
    const selectAll = document.querySelector<HTMLInputElement>('main thead input');
    if (selectAll) selectAll.focus();
    else focusMain();
  };
  return (
    <Screen
      title="Links"
      intro="A link belongs to a site that has redeemed a token. It can connect until its certificate expires. The site can renew the certificate until you revoke the link."
      actions={
        <Button onClick={csv.run} isDisabled={csv.isRunning}>
          {csv.isRunning
            ? 'Reading …'
            : selected.size > 0
              ? `Download ${countText(selected.size, 'selected link')} as CSV`
              : 'Download as CSV'}
        </Button>
      }
    >
      <CsvResult csv={csv} />
      <UnobservedNotice />
      <search class="filters row">
        <FilterField label="Search" name="search" placeholder="Subject, grant, label, fingerprint …" />
        <FilterField label="Namespace" name="namespace" />
        <FilterField label="Labels" name="label" placeholder="team=payments" />
        <FilterChoice label="Expires" name="expires" options={EXPIRES} />
        <FilterChoice label="Certificate" name="state" options={STATES} />
        <FilterChoice label="Renewal" name="notRenewing" options={RENEWING} />
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
      <p class="subtle">
        {expires
          ? 'Links whose certificate is valid now and ends in this time. A site that renews its link in time stays connected.'
          : `${EXPIRING_WORDS} To list every link that ends soon, choose a time under Expires.`}
      </p>
      <Loaded resource={resource}>
        {({ items, next, ...position }) => (
          <>
            {items.length > 0 && (
              <Table
                caption="Links"
                columns={LINK_COLUMNS.filter(({ header }) => header !== CONNECTED || observesConnections)}
                items={items}
                keyOf={({ id }) => id}
                order={{ sort, onSort: (next) => setFilter({ sort: next }) }}
                selection={
                  canWrite && {
                    has: ({ id }) => selected.has(id),
                    nameOf: ({ subject }) => visible(subject),
                    onSelect: (links, isSelected) => setSelected(withLinks(selected, links, isSelected)),
                  }
                }
              />
            )}
            {items.length === 0 && position.total === 0 && isFiltered && (
              <EmptyState title="No link matches">
                <p>Change the filter.</p>
                {filter.search && (
                  <p>
                    A site that could not join has no link:{' '}
                    <a href={href('/ledger', { kind: 'refused', subject: `*${filter.search}*` })}>
                      its refusals
                    </a>
                  </p>
                )}
              </EmptyState>
            )}
            {items.length === 0 && position.total !== 0 && (
              <EmptyState title="No link is left on this page">
                <p>Return to the previous page.</p>
              </EmptyState>
            )}
            {items.length === 0 && position.total === 0 && !isFiltered && (
              <EmptyState title="No site has joined yet">
                <p>A site appears here when it has redeemed a token. Tokens are issued from grants.</p>
                <ButtonLink href={href('/grants')}>Go to the grants</ButtonLink>
              </EmptyState>
            )}
            {selected.size > 0 && (
              <div class="row selection">
                <span>{countText(selected.size, 'link')} selected</span>
                <Button kind="danger" onClick={() => setRevoking(true)}>
                  {isCluster ? 'Revoke' : 'Revoke or cut off'} {countText(selected.size, 'link')}
                </Button>
                <Button kind="link" onClick={clearSelection}>
                  Clear the selection
                </Button>
              </div>
            )}
            <Pager next={next} count={items.length} position={position} />
          </>
        )}
      </Loaded>
      <Command
        words={[
          'redemption',
          'list',
          ...namespaceFlags,
          ...(filter.search ? ['--search', filter.search] : []),
          ...(filter.grantUid ? ['--grant', filter.grantUid] : []),
          ...(filter.label ? ['-l', filter.label] : []),
          ...(filter.state ? ['--state', filter.state] : []),
          ...(filter.notRenewing ? ['--overdue'] : []),
          ...(filter.signedBy ? ['--signed-by', filter.signedBy] : []),
          ...(expires
            ? ['--expires-within', expires === 'month' ? `${timeOf(expires, clock)}` : expires]
            : []),
          ...(sort !== defaultSort && Object.hasOwn(SORT_BY, sort) ? ['--sort-by', `${SORT_BY[sort]}`] : []),
        ]}
      />
      {isRevoking && (
        <RevokeLinks
          links={[...selected.values()]}
          onClose={(remaining) => {
            setSelected(withLinks(new Map(), remaining, true));
            setRevoking(false);
          }}
        />
      )}
    </Screen>
  );
}

/** Reads a page of links. */
function readLinks(query: NonNullable<LinkQuery>, signal?: AbortSignal) {
  return dataOf(client.GET('/api/v1/links', { ...omitUndefined({ signal }), params: { query } }));
}

/** The end of a time of {@link EXPIRES} that begins now, RFC 3339; undefined for any time. */
function timeOf(choice: string, clock: Preferences['clock']): string | undefined {
  const now = Date.now();
  if (choice === 'month') return startOfNextMonth(now, clock);
  const duration = parseDuration(choice);
  return duration === undefined ? undefined : new Date(now + duration).toISOString();
}

/** The selection after links were added to it or removed from it. */
function withLinks(selected: ReadonlyMap<string, Link>, links: readonly Link[], isSelected: boolean) {
  const result = new Map(selected);
  for (const link of links) {
    if (isSelected) result.set(link.id, link);
    else result.delete(link.id);
  }
  return result;
}
