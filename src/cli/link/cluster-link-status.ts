import type { LinkStatus, RequestingCluster } from '../../compose/requesting-cluster.js';
import type { Clock } from '../../redemption/ports/clock.js';
import { linksNamed } from '../../redemption/ports/link-files.js';
import { CommandError } from '../terminal/command-error.js';
import { print, table } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { incomingReport, incomingText, revokedNote } from './incoming-link.js';
import { outgoingReport } from './outgoing-link.js';

/** Prints the links of a namespace: the outgoing ones and, from its Redemptions, the incoming ones. */
export async function clusterStatus(
  name: string | undefined,
  cluster: RequestingCluster,
  { clock }: { readonly clock: Clock },
  output: OutputFormat,
): Promise<void> {
  const { namespace } = cluster;
  const all = await cluster.links.list();
  const selected = name === undefined ? all : linksNamed(all, name);
  const redemptions = await cluster.listIncoming();
  const observed = await cluster.connections.observe();
  const incoming =
    typeof redemptions === 'string'
      ? undefined
      : redemptions
          .filter(({ redemption }) => name === undefined || redemption.name === name)
          .map((renewed) => incomingReport(renewed, clock(), observed));
  if (name !== undefined && selected.length === 0 && (incoming?.length ?? 0) === 0) {
    throw new CommandError(`there is no link "${name}" in namespace ${namespace}`, {
      exitCode: 1,
      hint: 'see `linkgrant link status` with the same flags, without a name',
    });
  }
  const states = await cluster.linkStatuses();
  const outgoing = await Promise.all(
    selected.map(async (link) => {
      const state: Partial<LinkStatus> = states.get(link.name) ?? {};
      const { isReady = false, status, message, remoteSite, remoteSiteId, conditions = [] } = state;
      return {
        ...outgoingReport(link, await cluster.links.findSecret(link.tlsCredentials), { clock }),
        ready: isReady,
        ...(status !== undefined && { status }),
        ...(message !== undefined && { message }),
        ...(remoteSite !== undefined && { remoteSite }),
        ...(remoteSiteId !== undefined && { remoteSiteId }),
        conditions,
      };
    }),
  );
  await print(output, { outgoing, ...(incoming && { incoming }) }, () =>
    [
      statusText(outgoing),
      incoming ? `\n${incomingText(incoming)}${revokedNote(incoming, REPLACE_CA_HINT)}` : '',
      redemptions === 'forbidden' ? hiddenNote(namespace) : '',
    ].join(''),
  );
}

const REPLACE_CA_HINT = "to prevent that, replace the CA that the site's router trusts";

function hiddenNote(namespace: string): string {
  return `note: incoming links are not shown: you have no permission to list redemptions.linkgrant.dev in namespace ${namespace}\n`;
}

type Outgoing = ReturnType<typeof outgoingReport> & {
  readonly status?: string;
  readonly message?: string;
  readonly remoteSite?: string;
};

function statusText(links: readonly Outgoing[]): string {
  if (links.length === 0) return 'There are no outgoing links.\n';
  const rows = links.map((link) => [
    link.name,
    link.status ?? '-',
    link.remoteSite ?? '-',
    String(link.cost),
    link.endpoints.join(', ') || '-',
    'notAfter' in link ? link.notAfter : '-',
    'notAfter' in link ? (link.renewedBy ?? 'nothing') : '-',
    link.message ?? '-',
  ]);
  const columns = [
    'NAME',
    'STATUS',
    'REMOTE SITE',
    'COST',
    'ENDPOINTS',
    'CERTIFICATE EXPIRES',
    'RENEWED BY',
    'MESSAGE',
  ];
  const warnings = links.flatMap(({ name, warning }) =>
    warning === undefined ? [] : [`warning: ${name}: ${warning}\n`],
  );
  return `Outgoing links\n${table(columns, rows)}${warnings.join('')}`;
}
