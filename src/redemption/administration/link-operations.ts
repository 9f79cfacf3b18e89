import { CHANGING_RESOURCES, type IssuedLink } from '../ports/link-store.js';
import type { Administration } from './administration.js';
import { attentionOperation } from './attention.js';
import type { AdministrationDependencies } from './dependencies.js';
import { healthOperation } from './health.js';
import { PeerIndex } from './link-connections.js';
import { matchingLinks } from './links/matching-links.js';
import { readRenewalRefusals } from './links/refused-renewals.js';
import { sortedLinks } from './links/sorted-links.js';
import { overviewOperation } from './overview.js';
import { isListed, linkReport } from './reports/link-report.js';

// Separates the version of the store from that of the observed connections.
const SEPARATOR = '~';

/** Operations on the links of a store, and on the store as a whole. */
export function linkOperations(
  deps: AdministrationDependencies,
): Pick<Administration, 'listLinks' | 'readOverview' | 'checkHealth' | 'readChanges'> {
  const { store, clock, connections, readRetiredCas } = deps;
  return {
    async listLinks({ limit, after, grantUid, sort, renewalRefused, ...filter }) {
      const now = clock();
      const page = { limit, after, grantUid };
      const refusalOf = renewalRefused ? await readRenewalRefusals(store, now) : undefined;
      const matches = (link: IssuedLink) =>
        isListed(link, filter, now) && (refusalOf === undefined || refusalOf(link) !== undefined);
      const { items, ...position } =
        sort === undefined
          ? await matchingLinks(store, page, matches)
          : await sortedLinks(store, { ...page, sort }, matches, now);
      const peers = new PeerIndex(connections?.latest());
      // Only the report of a revoked link depends on it.
      const isCaRetired = items.some(({ revokedAt }) => revokedAt !== null)
        ? await readRetiredCas?.()
        : undefined;
      const reportOf = (link: IssuedLink) =>
        linkReport(link, now, { connected: peers.isConnected(link), isCaRetired, refusalOf });
      return { items: items.map(reportOf), ...position };
    },
    readOverview: overviewOperation(deps, attentionOperation(deps)),
    checkHealth: healthOperation(deps),
    async readChanges(since) {
      const observed = connections?.latest().version ?? '';
      const [storeVersion, observedBefore] = since === undefined ? [] : split(since);
      const changes = await store.readChanges(storeVersion);
      const connectionsChanged = observedBefore !== undefined && observedBefore !== observed;
      const changed = CHANGING_RESOURCES.filter(
        (resource) => changes.changed.includes(resource) || (connectionsChanged && resource === 'links'),
      );
      return { version: `${changes.version}${SEPARATOR}${observed}`, changed };
    },
  };
}

function split(version: string): [string, string] {
  const at = version.lastIndexOf(SEPARATOR);
  if (at < 0) throw new RangeError('not a version');
  return [version.slice(0, at), version.slice(at + 1)];
}
