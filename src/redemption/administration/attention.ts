import { formatTime } from '../../domain/rfc3339.js';
import { shell } from '../../domain/shell-words.js';
import type { ServiceDescription } from '../accepting/service-description.js';
import type { ConnectedPeer, ObservedConnections } from '../ports/connections.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuedLink, LinkCounts } from '../ports/link-store.js';
import type { AdministrationDependencies } from './dependencies.js';
import { describeFinding, noFindings, UNOBSERVED } from './health.js';
import { type ConnectionSummary, summarizeConnections } from './link-connections.js';
import { matchingLinks } from './links/matching-links.js';
import type { AttentionCounts, AttentionItem, AttentionKind } from './reports/attention-report.js';
import type { HealthFinding } from './reports/health-report.js';
import { isListed, type LinkFilter } from './reports/link-report.js';

// Maximum age of the cached links, even if nothing in the store changed: link states also change with time.
const LINKS_MS = 10_000;

/** The links of a store, as far as they can need attention. */
interface LinkSummary {
  readonly links: LinkCounts;
  readonly connections: ConnectionSummary;
  readonly items: readonly AttentionItem[];
}

/** What needs attention, and the data that this was computed from. */
export interface Attention extends Omit<LinkSummary, 'items'> {
  /** The most urgent first; at most five objects of a kind, then one item for the others of that kind. */
  readonly items: readonly AttentionItem[];
  readonly counts: AttentionCounts;
  readonly grants: Awaited<ReturnType<GrantStore['countGrants']>>;
  readonly observed: ObservedConnections;
  readonly findings: readonly HealthFinding[];
}

/** The dependencies of {@link attentionOperation}. */
export type AttentionDependencies = Pick<
  AdministrationDependencies,
  'clock' | 'checkReadiness' | 'connections' | 'readService'
> & { readonly store: Pick<GrantStore, 'countGrants' | 'countLinks' | 'listLinks' | 'readChanges'> };

/**
 * Returns the operation that finds what needs attention: the definition for the Overview, `status`, metrics and webhooks. It caches
 * a summary of the links until something changes, at most LINKS_MS. With `maxOfAKind` 0 it names no link, and searches for none.
 */
export function attentionOperation(
  { store, clock, checkReadiness = noFindings, connections: observer, readService }: AttentionDependencies,
  maxOfAKind = 5,
): () => Promise<Attention> {
  let last:
    | { readonly version: string; readonly at: number; readonly summary: Promise<LinkSummary> }
    | undefined;
  const summaryAt = async (now: number, observed: ObservedConnections): Promise<LinkSummary> => {
    const version = `${(await store.readChanges()).version} ${observed.version}`;
    if (last?.version === version && Math.abs(now - last.at) < LINKS_MS) return last.summary;
    const summary = summarize(store, observed, now, maxOfAKind);
    last = { version, at: now, summary };
    summary.catch(() => {
      if (last?.summary === summary) last = undefined;
    });
    return summary;
  };
  return async () => {
    const now = clock();
    const observed = observer?.latest() ?? UNOBSERVED;
    const [grants, { links, connections, items: linkItems }, findings, service] = await Promise.all([
      store.countGrants(now),
      summaryAt(now, observed),
      checkReadiness(),
      readService(),
    ]);
    const serviceItems = [...findings.flatMap(findingItem), ...endpointsItem(service)];
    const ofKind = (kind: AttentionKind) => serviceItems.filter((item) => item.kind === kind).length;
    const counts: AttentionCounts = {
      'service-not-ready': ofKind('service-not-ready'),
      'no-endpoints': ofKind('no-endpoints'),
      ...countsOfLinks(links, connections),
      'grants-pending': grants.pending,
    };
    const items = [...serviceItems, ...linkItems, ...pendingItem(grants.pending)];
    return { items, counts, grants, links, connections, observed, findings };
  };
}

/** Returns the items for failed checks. */
export function findingItem(finding: HealthFinding): AttentionItem[] {
  if (finding.status !== 'error') return [];
  const message = describeFinding(finding);
  return [{ kind: 'service-not-ready', severity: 'error', message, nextStep: 'linkgrant doctor' }];
}

type LinkKind = Exclude<AttentionKind, 'service-not-ready' | 'no-endpoints' | 'grants-pending'>;

function countsOfLinks(
  { expired, expiring, validNotRenewing }: LinkCounts,
  { connected, revoked, unknownPeers }: ConnectionSummary,
): Pick<AttentionCounts, LinkKind> {
  const isKnown = connected !== null;
  return {
    'link-revoked-connected': isKnown ? revoked.length : null,
    'peer-unknown': isKnown ? unknownPeers.length : null,
    'link-expired': expired,
    'link-expiring': expiring,
    'link-not-renewing': validNotRenewing,
  };
}

/** The text about the objects of a kind that have no item of their own, and the flags of the command that lists them. */
interface OthersOfKind {
  readonly kind: LinkKind;
  readonly others: string;
  readonly flags: string;
}

/** The kinds of links by state: the filter that finds them, and the predicate of a sentence about one that expires at `end`. */
const KINDS_BY_STATE: readonly (OthersOfKind & {
  readonly filter: LinkFilter;
  readonly one: (end: string) => string;
})[] = [
  {
    kind: 'link-expiring',
    filter: { state: 'expiring' },
    one: (end) => `expires at ${end}, and was not renewed`,
    others: 'links that are expiring, not renewed',
    flags: ' --state expiring',
  },
  {
    kind: 'link-not-renewing',
    filter: { state: 'valid', notRenewing: true },
    one: (end) => `is overdue for renewal; its certificate expires at ${end}`,
    others: 'links that are overdue for renewal',
    flags: ' --state valid --overdue',
  },
  {
    kind: 'link-expired',
    filter: { state: 'expired' },
    one: (end) => `expired at ${end}, and is not revoked`,
    others: 'links that expired, and are not revoked',
    flags: ' --state expired',
  },
];

async function summarize(
  store: AttentionDependencies['store'],
  observed: ObservedConnections,
  now: number,
  maxOfAKind: number,
): Promise<LinkSummary> {
  const links = await store.countLinks(now);
  const connections = await summarizeConnections(store, observed);
  const counts = countsOfLinks(links, connections);
  const { revoked, unknownPeers } = connections;
  const items: AttentionItem[] = [
    ...withOthers(revoked.slice(0, maxOfAKind).map(revokedItem), revoked.length, {
      kind: 'link-revoked-connected',
      others: 'revoked links whose sites are connected',
      flags: ' --state revoked',
    }),
    ...withOthers(unknownPeers.slice(0, maxOfAKind).map(peerItem), unknownPeers.length, {
      kind: 'peer-unknown',
      others: 'connected sites without a redemption',
      flags: '',
    }),
  ];
  for (const ofKind of KINDS_BY_STATE) {
    const { kind, filter, one } = ofKind;
    const matches = (link: IssuedLink) => isListed(link, filter, now);
    const limit = Math.min(maxOfAKind, counts[kind] ?? 0);
    // Reads only a part of a large store, so it may find fewer.
    const found = limit === 0 ? [] : (await matchingLinks(store, { limit }, matches)).items;
    const named = found.map((link) => linkItem(kind, link, one(formatTime(link.notAfter))));
    items.push(...withOthers(named, counts[kind] ?? 0, ofKind));
  }
  return { links, connections, items };
}

/** Adds one item for the objects of a kind that have no item of their own; `count` is that of all. */
function withOthers(
  named: readonly AttentionItem[],
  count: number,
  { kind, others, flags }: OthersOfKind,
): readonly AttentionItem[] {
  const rest = count - named.length;
  if (rest <= 0) return named;
  const message = `${others}: ${rest}${named.length > 0 ? ' more' : ''}`;
  return [...named, { kind, severity: 'warning', message, nextStep: `linkgrant redemption list${flags}` }];
}

function revokedItem(link: IssuedLink): AttentionItem {
  const item = linkItem('link-revoked-connected', link, 'is revoked, and its site is connected');
  return { ...item, nextStep: shell`linkgrant redemption revoke ${link.id} --cut` };
}

function peerItem({ siteId, siteName, linkName }: ConnectedPeer): AttentionItem {
  const site = siteName === '' || siteName === siteId ? siteId : `"${siteName}" (${siteId})`;
  return {
    kind: 'peer-unknown',
    severity: 'warning',
    message: `site ${site} is connected by link "${linkName}", and no redemption records it`,
    nextStep: 'linkgrant redemption list',
  };
}

function linkItem(kind: LinkKind, { id, name, subject }: IssuedLink, predicate: string): AttentionItem {
  return {
    kind,
    severity: 'warning',
    message: `the link "${name}" of "${subject}" ${predicate}`,
    nextStep: shell`linkgrant redemption show ${id}`,
    resource: { kind: 'link', id },
  };
}

function endpointsItem(service: ServiceDescription | undefined): AttentionItem[] {
  if (service?.platform !== 'standalone' || service.endpoints.length > 0) return [];
  const message =
    'the service was started without an endpoint, so no site can link to it; restart it with the address of your router';
  const nextStep = 'linkgrant serve --endpoint inter-router=HOST:PORT';
  return [{ kind: 'no-endpoints', severity: 'warning', message, nextStep }];
}

function pendingItem(pending: number): AttentionItem[] {
  if (pending === 0) return [];
  const message = pending === 1 ? '1 grant is not ready' : `${pending} grants are not ready`;
  return [{ kind: 'grants-pending', severity: 'warning', message, nextStep: 'linkgrant grant list' }];
}
