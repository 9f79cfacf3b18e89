import { DAY_MS } from '../../domain/duration.js';
import { formatTime } from '../../domain/rfc3339.js';
import type { ObservedConnections } from '../ports/connections.js';
import { type Attention, findingItem } from './attention.js';
import type { AdministrationDependencies } from './dependencies.js';
import { healthReport, observerFinding } from './health.js';
import type { ConnectionSummary } from './link-connections.js';
import { wrongCodesReport } from './reports/event-report.js';
import type { HealthFinding } from './reports/health-report.js';
import type { ConnectionsReport, OverviewReport } from './reports/overview-report.js';

const MAX_PEERS = 100;

/** Returns the operation `readOverview`. */
export function overviewOperation(
  {
    store,
    clock,
    connections: observer,
  }: Pick<AdministrationDependencies, 'store' | 'clock' | 'connections'>,
  readAttention: () => Promise<Attention>,
): () => Promise<OverviewReport> {
  return async () => {
    const now = clock();
    const [openTokens, refusals, attention] = await Promise.all([
      store.countOpenCodes(now),
      store.countRefusals(now - DAY_MS),
      readAttention(),
    ]);
    const { grants, links, connections, observed, findings, items } = attention;
    const { pending, ready, expired, exhausted, revoked } = grants;
    return {
      time: formatTime(now),
      grants: { pending, ready, ended: expired + exhausted + revoked },
      openTokens,
      links: {
        known: links.valid + links.expiring,
        connected: connections.connected,
        expiringSoon: links.expiring,
        notRenewing: links.notRenewing,
        expired: links.expired,
        revoked: links.revoked,
      },
      ...(observer && { connections: connectionsReport(observed, connections) }),
      refusals: refusals.byCode.map(({ code, count, lastAt }) => ({ code, count, last: formatTime(lastAt) })),
      wrongCodes: refusals.wrongCodes.map(({ grantUid, grantName, namespace, ...requests }) => {
        return { grantUid, grant: grantName, namespace, requests: wrongCodesReport(requests) };
      }),
      health: healthReport([...findings, ...observerFinding(observed)]),
      attention: items,
    };
  };
}

/** Adds the results of further checks to the health of an overview, and the failed ones to what needs attention. */
export function withFindings(overview: OverviewReport, findings: readonly HealthFinding[]): OverviewReport {
  return {
    ...overview,
    health: healthReport([...overview.health.findings, ...findings]),
    attention: [...findings.flatMap(findingItem), ...overview.attention],
  };
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
