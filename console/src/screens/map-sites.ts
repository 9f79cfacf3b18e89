import { type Api, client, dataOf, readPages } from '../api/client.js';
import { LINK_LOOKS, type LinkLook } from '../components/state-label.js';
import { href } from '../state/location.js';
import { certificateLook } from './link-columns.js';

const MAX_LINKS = 10_000;
const MAX_LABEL_KEYS = 20;

/** The names of {@link LINK_LOOKS}, those that need attention first. */
export const ALL_LOOKS = Object.keys(LINK_LOOKS) as LinkLook[];

/** True if a site needs attention. */
export function needsAttention({ look }: Site): boolean {
  return LINK_LOOKS[look][1] === 'red' || LINK_LOOKS[look][1] === 'orange';
}

/** A site on the map: a link, or a connected peer without one. */
export interface Site {
  readonly key: string;
  readonly name: string;
  readonly look: LinkLook;
  /** The page that says more. */
  readonly to: string;
  /** Name of its grant; absent for a peer without a link. */
  readonly grant?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Sites with the same grant, or with the same value of a label. */
export interface SiteGroup {
  readonly name: string;
  /** Those that need attention first. */
  readonly sites: readonly Site[];
  readonly attention: number;
}

function lookOf(link: Api['Link'], live: ReadonlySet<string>): LinkLook {
  const { state, connected, notRenewing, subject } = link;
  if (state === 'revoked')
    return connected && !live.has(subject) ? 'revoked-connected' : certificateLook(link);
  if (state !== 'valid') return state;
  if (notRenewing) return 'overdue';
  return connected === null ? 'valid' : connected ? 'connected' : 'unconnected';
}

/** Reads the newest 10,000 links and the connected peers without one; `hasMore` is true if there are more links. */
export async function readSites(signal: AbortSignal): Promise<{ sites: readonly Site[]; hasMore: boolean }> {
  const links: Api['Link'][] = [];
  let hasMore = false;
  const pages = readPages((query) => dataOf(client.GET('/api/v1/links', { signal, params: { query } })));
  for await (const { items, next } of pages) {
    links.push(...items);
    hasMore = next !== undefined;
    if (links.length >= MAX_LINKS) break;
  }
  // The service computes an overview as long as many pages. Without connections of links, it has no unknown peers.
  const isObserved = links.some(({ connected }) => connected !== null);
  const overview = isObserved ? await dataOf(client.GET('/api/v1/overview', { signal })) : undefined;
  const live = new Set(links.filter(({ state }) => state !== 'revoked').map(({ subject }) => subject));
  const isMixed = new Set(links.map(({ namespace }) => namespace)).size > 1;
  const sites = [
    ...(overview?.connections?.unknownPeers ?? []).map(({ siteId, siteName, linkName }): Site => {
      const key = `${siteId} ${linkName}`;
      return { key, name: siteName || siteId, look: 'unknown', to: href('/'), labels: {} };
    }),
    ...links.map((link): Site => {
      const { id, subject, grant = 'Deleted grants', namespace, labels } = link;
      const named = { name: subject, grant: isMixed ? `${namespace}/${grant}` : grant };
      return { key: id, look: lookOf(link, live), to: href(`/links/${id}`), labels, ...named };
    }),
  ];
  return { sites, hasMore };
}

/** The keys of the labels of these sites, the most frequent first. */
export function labelKeys(sites: readonly Site[]): { readonly key: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { labels } of sites)
    for (const key of Object.keys(labels)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .map(([key, count]) => ({ key, count }))
    .sort((one, other) => other.count - one.count)
    .slice(0, MAX_LABEL_KEYS);
}

/** How the map groups sites: by grant, or by the value of a label. */
export type Grouping = 'grant' | `label:${string}`;

/** The grouping by grant, unless all sites have the same grant and most have a label. */
export function defaultGrouping(sites: readonly Site[]): Grouping {
  const [first] = labelKeys(sites);
  const hasOneGrant = new Set(sites.flatMap(({ grant }) => grant ?? [])).size === 1;
  return first && hasOneGrant && first.count > sites.length / 2 ? `label:${first.key}` : 'grant';
}

/** Groups sites. Groups with sites that need attention come first, then the largest ones. */
export function groupsOf(sites: readonly Site[], grouping: Grouping): readonly SiteGroup[] {
  const key = grouping.replace(/^label:/, '');
  const byName = Map.groupBy(sites, ({ grant, labels }) => {
    if (grant === undefined) return 'Without a record';
    if (grouping === 'grant') return grant;
    return Object.hasOwn(labels, key) ? labels[key] || key : `Without ${key}`;
  });
  return [...byName]
    .map(([name, all]) => ({ name, sites: sorted(all), attention: all.filter(needsAttention).length }))
    .sort((one, other) => other.attention - one.attention || other.sites.length - one.sites.length);
}

function sorted(sites: readonly Site[]): readonly Site[] {
  const byLook = Map.groupBy(
    [...sites].sort((one, other) => (one.name < other.name ? -1 : 1)),
    ({ look }) => look,
  );
  return ALL_LOOKS.flatMap((look) => byLook.get(look) ?? []);
}
