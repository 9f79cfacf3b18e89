import { DAY_MS } from '../../domain/duration.js';
import { formatTime } from '../../domain/rfc3339.js';
import { shell } from '../../domain/shell-words.js';
import type { ServiceDescription } from '../accepting/service-description.js';
import type { ConnectedPeer, ObservedConnections } from '../ports/connections.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuedLink, LinkCounts } from '../ports/link-store.js';
import type { AdministrationDependencies } from './dependencies.js';
import { type ConnectionSummary, summarizeConnections } from './link-connections.js';
import { matchingLinks } from './matching-links.js';
import { wrongCodesReport } from './reports/event-report.js';
import { isListed, type LinkFilter } from './reports/link-report.js';
import type {
  AttentionItem,
  ConnectionsReport,
  HealthFinding,
  HealthReport,
  OverviewReport,
} from './reports/overview-report.js';

// Maximum age of the cached summary, even if nothing in the store changed: link states also change with time.
const SUMMARY_MS = 10_000;
const MAX_OF_A_KIND = 5;
const MAX_PEERS = 100;
const UNOBSERVED: ObservedConnections = { peers: undefined, version: '' };

/** The links that need attention, and how many are in each state. */
interface LinkSummary {
  readonly counts: LinkCounts;
  readonly connections: ConnectionSummary;
  readonly attention: readonly AttentionItem[];
}

/** Returns the operation `readOverview`, which caches a summary of the links until something changes, at most SUMMARY_MS. */
export function overviewOperation({
  store,
  clock,
  checkReadiness = noFindings,
  connections,
  readService,
}: Pick<
  AdministrationDependencies,
  'store' | 'clock' | 'checkReadiness' | 'connections' | 'readService'
>): () => Promise<OverviewReport> {
  let last:
    | { readonly version: string; readonly at: number; readonly summary: Promise<LinkSummary> }
    | undefined;
  const summaryAt = async (now: number, observed: ObservedConnections): Promise<LinkSummary> => {
    const version = `${(await store.readChanges()).version} ${observed.version}`;
    if (last?.version === version && Math.abs(now - last.at) < SUMMARY_MS) return last.summary;
    const summary = summarize(store, observed, now);
    last = { version, at: now, summary };
    summary.catch(() => {
      if (last?.summary === summary) last = undefined;
    });
    return summary;
  };
  return async () => {
    const now = clock();
    const observed = connections?.latest() ?? UNOBSERVED;
    const [grants, openTokens, summary, refusals, checks, service] = await Promise.all([
      store.countGrants(now),
      store.countOpenCodes(now),
      summaryAt(now, observed),
      store.countRefusals(now - DAY_MS),
      checkReadiness(),
      readService(),
    ]);
    const { counts, attention } = summary;
    const findings = [...checks, ...observerFinding(observed)];
    const { pending, ready, expired, exhausted, revoked } = grants;
    return {
      time: formatTime(now),
      grants: { pending, ready, ended: expired + exhausted + revoked },
      openTokens,
      links: {
        known: counts.valid + counts.expiring,
        connected: summary.connections.connected,
        expiringSoon: counts.expiring,
        notRenewing: counts.notRenewing,
        expired: counts.expired,
        revoked: counts.revoked,
      },
      ...(connections && { connections: connectionsReport(observed, summary.connections) }),
      refusals: refusals.byCode.map(({ code, count, lastAt }) => ({ code, count, last: formatTime(lastAt) })),
      wrongCodes: refusals.wrongCodes.map(({ grantUid, grantName, namespace, ...requests }) => {
        return { grantUid, grant: grantName, namespace, requests: wrongCodesReport(requests) };
      }),
      health: healthReport(findings),
      attention: [
        ...findings.flatMap(healthItem),
        ...endpointsItem(service),
        ...attention,
        ...pendingItem(pending),
      ],
    };
  };
}

/** Returns the operation `checkHealth`. */
export function healthOperation({
  checkReadiness = noFindings,
  runDoctor = noFindings,
  connections,
}: Pick<
  AdministrationDependencies,
  'checkReadiness' | 'runDoctor' | 'connections'
>): () => Promise<HealthReport> {
  return async () => {
    const observer = observerFinding(connections?.latest() ?? UNOBSERVED);
    const findings = await Promise.all([checkReadiness(), observer, runDoctor()]);
    return healthReport(findings.flat());
  };
}

async function noFindings(): Promise<readonly HealthFinding[]> {
  return [];
}

/** Adds the results of further checks to the health of an overview, and the failed ones to what needs attention. */
export function withFindings(overview: OverviewReport, findings: readonly HealthFinding[]): OverviewReport {
  return {
    ...overview,
    health: healthReport([...overview.health.findings, ...findings]),
    attention: [...findings.flatMap(healthItem), ...overview.attention],
  };
}

/** Returns why sites cannot redeem tokens now, by the results of checks; undefined if they can. */
export function serviceProblem(findings: readonly HealthFinding[]): string | undefined {
  const failed = findings.filter(({ status }) => status === 'error').map(describeFinding);
  return failed.length === 0 ? undefined : failed.join('; ');
}

/** Returns the report of these findings. */
export function healthReport(findings: readonly HealthFinding[]): HealthReport {
  return { ready: findings.every(({ status }) => status !== 'error'), findings };
}

async function summarize(
  store: GrantStore,
  observed: ObservedConnections,
  now: number,
): Promise<LinkSummary> {
  const counts = await store.countLinks(now);
  const connections = await summarizeConnections(store, observed);
  const { revoked, unknownPeers } = connections;
  const attention: AttentionItem[] = [
    ...revoked.slice(0, MAX_OF_A_KIND).map(revokedItem),
    ...unknownPeers.slice(0, MAX_OF_A_KIND).map(peerItem),
  ];
  const addLinks = async (
    kind: AttentionItem['kind'],
    filter: LinkFilter,
    predicateOf: (end: string) => string,
  ): Promise<void> => {
    const matches = (link: IssuedLink) => isListed(link, filter, now);
    const { items } = await matchingLinks(store, { limit: MAX_OF_A_KIND }, matches);
    attention.push(...items.map((link) => linkItem(kind, link, predicateOf(formatTime(link.notAfter)))));
  };
  if (counts.expiring > 0)
    await addLinks('link-expiring', { state: 'expiring' }, (end) => `expires at ${end}, and was not renewed`);
  if (counts.notRenewing > 0)
    await addLinks('link-not-renewing', { state: 'valid', notRenewing: true }, (end) => {
      return `is overdue for renewal; its certificate expires at ${end}`;
    });
  if (counts.expired > 0)
    await addLinks('link-expired', { state: 'expired' }, (end) => `expired at ${end}, and is not revoked`);
  return { counts, connections, attention };
}

function connectionsReport(
  { observedAt, problem }: ObservedConnections,
  { unknownPeers }: ConnectionSummary,
): ConnectionsReport {
  return {
    ...(observedAt !== undefined && { observedAt: formatTime(observedAt) }),
    ...(problem !== undefined && { problem }),
    unknownPeers: unknownPeers
      .slice(0, MAX_PEERS)
      .map(({ siteId, siteName, linkName }) => ({ siteId, siteName, linkName })),
  };
}

function observerFinding({ problem }: ObservedConnections): HealthFinding[] {
  if (problem === undefined) return [];
  const remedy = 'check --observer, --observer-ca and --observer-credentials, and that the observer runs';
  return [{ check: 'observer', status: 'warning', message: problem, remedy }];
}

function revokedItem(link: IssuedLink): AttentionItem {
  const item = linkItem('link-revoked-connected', link, 'is revoked, and its site is connected');
  return { ...item, nextStep: shell`linkgrant redemption revoke ${link.id} --cut` };
}

function peerItem({ siteId, siteName, linkName }: ConnectedPeer): AttentionItem {
  const site = siteName === '' || siteName === siteId ? siteId : `"${siteName}" (${siteId})`;
  return {
    kind: 'peer-unknown',
    message: `site ${site} is connected by link "${linkName}", and no redemption records it`,
    nextStep: 'linkgrant redemption list',
  };
}

function linkItem(kind: AttentionItem['kind'], link: IssuedLink, predicate: string): AttentionItem {
  const { id, name, subject } = link;
  return {
    kind,
    message: `the link "${name}" of "${subject}" ${predicate}`,
    nextStep: shell`linkgrant redemption show ${id}`,
    resource: { kind: 'link', id },
  };
}

function healthItem(finding: HealthFinding): AttentionItem[] {
  return finding.status === 'error'
    ? [{ kind: 'service-not-ready', message: describeFinding(finding), nextStep: 'linkgrant doctor' }]
    : [];
}

function describeFinding({ check, message }: HealthFinding): string {
  return `${check}: ${message}`;
}

function endpointsItem(service: ServiceDescription | undefined): AttentionItem[] {
  if (service?.platform !== 'standalone' || service.endpoints.length > 0) return [];
  const message =
    'the service was started without an endpoint, so no site can link to it; restart it with the address of your router';
  return [{ kind: 'no-endpoints', message, nextStep: 'linkgrant serve --endpoint inter-router=HOST:PORT' }];
}

function pendingItem(pending: number): AttentionItem[] {
  if (pending === 0) return [];
  const message = pending === 1 ? '1 grant is not ready' : `${pending} grants are not ready`;
  return [{ kind: 'grants-pending', message, nextStep: 'linkgrant grant list' }];
}
