import { Button, ButtonLink } from '../components/button.js';
import { Section } from '../components/details.js';
import { Choice, FilterChoice, FilterField } from '../components/field.js';
import { EmptyState, Loaded } from '../components/notice.js';
import { Screen } from '../components/screen.js';
import { EXPIRING_WORDS, LINK_LOOKS, LinkLabel } from '../components/state-label.js';
import { countText, Foreign, visible } from '../components/text.js';
import { href, replaceQuery, useLocation } from '../state/location.js';
import { useResource } from '../state/resource.js';
import {
  ALL_LOOKS,
  defaultGrouping,
  type Grouping,
  groupsOf,
  labelKeys,
  needsAttention,
  readSites,
  type Site,
} from './map-sites.js';
import './map.css';

// More sites than this are shown as the counts of their groups, until a group is opened or a search finds fewer.
const MAX_SITES = 500;
const MAX_GROUPS = 200;
const MAX_ZOOM = 3;

const SHOWN = [
  ['', 'All sites'],
  ['attention', 'What needs attention'],
] as const;

/** The sites that are linked to this one, in groups. */
export function MapScreen() {
  const map = useResource('map', readSites, ['links']);
  return (
    <Screen title="Map" intro="The sites that are linked to this one. What needs attention comes first.">
      <Loaded resource={map}>
        {({ sites, hasMore }) =>
          sites.length === 0 ? (
            <EmptyState title="No site has joined yet">
              <p>A site appears here as soon as it has redeemed a token.</p>
              <ButtonLink href={href('/grants')}>Go to the grants</ButtonLink>
            </EmptyState>
          ) : (
            <>
              {hasMore && <p>The map shows the newest links. The list of links has all of them.</p>}
              <Groups sites={sites} />
            </>
          )
        }
      </Loaded>
    </Screen>
  );
}

function Groups({ sites }: { readonly sites: readonly Site[] }) {
  const { query } = useLocation();
  const search = query.get('search') ?? '';
  const show = query.get('show') ?? '';
  const grouping = (query.get('by') ?? defaultGrouping(sites)) as Grouping;
  const open = query.get('open');
  const groups = groupsOf(
    sites.filter((site) => isShown(site, search, show)),
    grouping,
  ).filter(({ name }) => open === null || name === open);
  const found = groups.flatMap((group) => group.sites);
  const areSitesShown = open !== null || found.length <= MAX_SITES;
  const zoom = Number(query.get('zoom') ?? (found.length > 50 ? 1 : 2));
  const setZoom = (next: number) => replaceQuery({ zoom: String(next) });
  return (
    <>
      <search class="filters row">
        <FilterField label="Search" name="search" />
        <Choice
          label="Group by"
          value={grouping}
          options={[
            ['grant', 'Grant'],
            ...labelKeys(sites).map(({ key }) => [`label:${key}`, `Label ${visible(key)}`] as const),
          ]}
          onInput={(by) => replaceQuery({ by, open: undefined })}
        />
        <FilterChoice label="Show" name="show" options={SHOWN} />
        {areSitesShown && (
          <>
            <Button isDisabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
              Zoom out
            </Button>
            <Button isDisabled={zoom === MAX_ZOOM} onClick={() => setZoom(zoom + 1)}>
              Zoom in
            </Button>
          </>
        )}
      </search>
      {open !== null && (
        <p>
          Only the group <Foreign text={open} />.{' '}
          <a href={href('/map', { ...Object.fromEntries(query), open: undefined })}>Show all groups</a>
        </p>
      )}
      <p role="status">{found.length === 0 ? 'No site matches.' : countText(found.length, 'site')}</p>
      <Counts sites={found} />
      {found.some(({ look }) => look === 'expiring') && <p class="subtle">{EXPIRING_WORDS}</p>}
      <div class={areSitesShown ? 'stack' : 'pf-v6-l-gallery pf-m-gutter'}>
        {groups.slice(0, MAX_GROUPS).map(({ name, sites: members }) => (
          <Section
            key={name}
            title={`${visible(name)} (${members.length.toLocaleString('en')})`}
            action={
              open === null && (
                <a href={href('/map', { ...Object.fromEntries(query), open: name })}>
                  Open<span class="pf-v6-screen-reader"> the group {visible(name)}</span>
                </a>
              )
            }
          >
            {areSitesShown ? <Sites sites={members} zoom={zoom} /> : <Counts sites={members} />}
          </Section>
        ))}
      </div>
      {groups.length > MAX_GROUPS && <p>{groups.length - MAX_GROUPS} more groups. Search for a site.</p>}
    </>
  );
}

function isShown(site: Site, search: string, show: string): boolean {
  return (
    site.name.toLowerCase().includes(search.toLowerCase()) && (show !== 'attention' || needsAttention(site))
  );
}

/** The number of sites of each look. The words also explain the colours and icons. */
function Counts({ sites }: { readonly sites: readonly Site[] }) {
  const counts = Map.groupBy(sites, ({ look }) => look);
  return (
    <ul class="row">
      {ALL_LOOKS.map((look) => {
        const count = counts.get(look)?.length;
        return (
          count !== undefined && (
            <li key={look}>
              <LinkLabel look={look} text={`${count.toLocaleString('en')} ${LINK_LOOKS[look][0]}`} />
            </li>
          )
        );
      })}
    </ul>
  );
}

/** A tile for each site, which opens its page. */
function Sites({ sites, zoom }: { readonly sites: readonly Site[]; readonly zoom: number }) {
  return (
    <>
      <ul class={`sites zoom-${zoom}`}>
        {sites.slice(0, MAX_SITES).map(({ key, name, look, to }) => {
          const title = `${visible(name)}: ${LINK_LOOKS[look][0]}`;
          return (
            <li key={key}>
              <a href={to} title={title} aria-label={title}>
                <LinkLabel look={look} text={visible(name)} />
              </a>
            </li>
          );
        })}
      </ul>
      {sites.length > MAX_SITES && (
        <p>{countText(sites.length - MAX_SITES, 'more site')}. Search for a site.</p>
      )}
    </>
  );
}
