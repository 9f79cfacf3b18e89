import type { LinkStatus, RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import { commandContext } from '../../config/command-context.js';
import { PeerIndex } from '../../redemption/administration/link-connections.js';
import { linksNamed } from '../../redemption/ports/link-files.js';
import { incomingReport, revokedNote } from './incoming-link.js';
import { type LinkColumn, type LinkLists, warningsOf } from './link-listing.js';
import { outgoingReport } from './outgoing-link.js';
import { linkNotFound } from './site-links.js';

const OUTGOING: readonly LinkColumn[] = [
  'NAME',
  'STATUS',
  'REMOTE SITE',
  'COST',
  'ENDPOINTS',
  'CERTIFICATE EXPIRES',
  'RENEWED BY',
  'MESSAGE',
];

/** Returns the links of a namespace: the outgoing ones from its Links, the incoming ones from its Redemptions. */
export async function clusterLinkLists(
  name: string | undefined,
  cluster: RequestingCluster,
): Promise<LinkLists> {
  const { namespace } = cluster;
  const all = await cluster.links.list();
  const selected = name === undefined ? all : linksNamed(all, name);
  const redemptions = await cluster.listIncoming();
  const peers = new PeerIndex(await cluster.connections.observe());
  const incoming =
    typeof redemptions === 'string'
      ? undefined
      : redemptions
          .filter((redemption) => name === undefined || redemption.name === name)
          .map((redemption) => incomingReport(redemption, commandContext().clock(), peers));
  if (name !== undefined && selected.length === 0 && (incoming?.length ?? 0) === 0) {
    throw linkNotFound(name, `namespace ${namespace}`);
  }
  const states = await cluster.linkStatuses();
  const outgoing = await Promise.all(
    selected.map(async (link) => {
      const state: Partial<LinkStatus> = states.get(link.name) ?? {};
      const { isReady = false, status, message, remoteSite, remoteSiteId, conditions = [] } = state;
      return {
        ...outgoingReport(link, await cluster.links.findSecret(link.tlsCredentials), true),
        ready: isReady,
        ...(status !== undefined && { status }),
        ...(message !== undefined && { message }),
        ...(remoteSite !== undefined && { remoteSite }),
        ...(remoteSiteId !== undefined && { remoteSiteId }),
        conditions,
      };
    }),
  );
  const forbidden = redemptions === 'forbidden' ? forbiddenNote(namespace) : '';
  return {
    outgoing,
    incoming,
    outgoingColumns: OUTGOING,
    outgoingNotes: warningsOf(outgoing) + forbidden,
    incomingNotes: revokedNote(
      incoming ?? [],
      "to prevent that, replace the CA that the site's router trusts",
    ),
  };
}

function forbiddenNote(namespace: string): string {
  return `note: incoming links are not shown: you have no permission to list redemptions.linkgrant.dev in namespace ${namespace}\n`;
}
