import type { ClusterSide } from '../cluster-side.js';
import type { Clock } from '../redemption/clock.js';
import { linksNamed } from '../redemption/link-files.js';
import { CommandError } from './command-error.js';
import { outgoingReport } from './outgoing-link.js';
import { print, table } from './output.js';
import type { OutputFormat } from './output-format.js';

/** Tells of the links that the site of a namespace makes: what its controller says of each, and when its certificate ends. */
export async function clusterStatus(
  name: string | undefined,
  cluster: ClusterSide,
  { clock }: { readonly clock: Clock },
  output: OutputFormat,
): Promise<void> {
  const all = await cluster.links.list();
  const shown = name === undefined ? all : linksNamed(all, name);
  if (name !== undefined && shown.length === 0) {
    throw new CommandError(`there is no link "${name}" in namespace ${cluster.namespace}`, {
      exitCode: 1,
      hint: 'see `linkgrant link status` with the same flags, without a name',
    });
  }
  const states = await cluster.linkStates();
  const outgoing = await Promise.all(
    shown.map(async (link) => {
      const { isReady = false, status, message, remoteSite } = states.get(link.name) ?? {};
      return {
        ...outgoingReport(link, await cluster.links.findSecret(link.tlsCredentials), { clock }),
        ready: isReady,
        ...(status !== undefined && { status }),
        ...(message !== undefined && { message }),
        ...(remoteSite !== undefined && { remoteSite }),
      };
    }),
  );
  await print(output, { outgoing }, () => statusText(outgoing));
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
    'CERTIFICATE ENDS',
    'RENEWED BY',
    'MESSAGE',
  ];
  const warnings = links.flatMap(({ name, warning }) =>
    warning === undefined ? [] : [`warning: ${name}: ${warning}\n`],
  );
  return `Outgoing links\n${table(columns, rows)}${warnings.join('')}`;
}
