import { type SystemPlace, siteReports } from '../../compose/system-sites.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { isLoopback } from '../../domain/peer-address.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import { formatFingerprint } from '../terminal/output.js';

/** The ports that a service listens on. */
export interface ServingPorts {
  readonly service: number;
  readonly operations: number | undefined;
  readonly admin: number | undefined;
}

/** The output of `serve` once the service answers; it ends with the next step. */
export async function banner(
  description: ServiceDescription,
  ports: ServingPorts,
  { namespace, console }: Settings,
): Promise<string> {
  const { platform, url, noAddress, caSha256, system, endpoints } = description;
  const on = `on port ${ports.service}${ports.operations === undefined ? '' : `, health and metrics on port ${ports.operations}`}`;
  const standalone =
    endpoints.length > 0
      ? 'Next: linkgrant token issue token.yaml\nOr in a browser: linkgrant console'
      : `No link can be accepted yet: start with --endpoint inter-router=HOST:PORT, the address of your router${
          namespace === undefined
            ? ''
            : `, or, for the site of namespace ${namespace}, with --platform podman, docker or linux`
        }`;
  return [
    ...(noAddress === undefined
      ? [`Serving ${url} ${on}`]
      : [`Serving ${on}`, `No address yet: ${noAddress}`]),
    ...(ports.admin === undefined ? [] : [`Admin API on port ${ports.admin}`]),
    ...(console === undefined ? [] : [`Console at ${console.origin}/console/`]),
    `CA SHA-256 fingerprint ${formatFingerprint(caSha256)}`,
    ...(platform === 'kubernetes'
      ? [clusterLine(namespace, noAddress !== undefined)]
      : system
        ? await siteLines(system)
        : [standalone]),
    '',
  ].join('\n');
}

function clusterLine(namespace: string | undefined, lacksAddress: boolean): string {
  const where = namespace === undefined ? 'every namespace' : `namespace ${namespace}`;
  return `Next: create an AccessGrant; those of ${where} become Ready${lacksAddress ? ' once the service has an address' : ''}`;
}

/** Returns a line for each served site: the endpoints of its links, or why it accepts none. */
async function siteLines(system: SystemPlace): Promise<string[]> {
  const reports = await siteReports(system, Date.now);
  const lines = reports.map(({ namespace, access, otherPlatform }) => {
    const other =
      otherPlatform === undefined ? '' : ` (it runs on ${otherPlatform}, not on ${system.platform})`;
    if ('refused' in access)
      return `Namespace ${namespace}${other}: no links, ${access.reason}; ${access.hint}`;
    const leads = access.endpoints.map(formatEndpoint).join(', ');
    const local = access.endpoints.some(({ host }) => isLoopback(host));
    return `Namespace ${namespace}${other}: links to ${leads}${local ? ' (a loopback address: only for sites on this machine)' : ''}`;
  });
  const open = reports.find(({ access }) => !('refused' in access));
  if (open) return [...lines, `Next: linkgrant token issue token.yaml --namespace ${open.namespace}`];
  // An edge site, or a site that only requests links, needs no change.
  const closed = reports.find(({ access }) => 'refused' in access && !access.isRequestOnly) ?? reports[0];
  if (closed) {
    const { namespace } = closed;
    return [
      ...lines,
      `Next: do what the line of namespace ${namespace} says, then linkgrant token issue token.yaml --namespace ${namespace}`,
    ];
  }
  const platform = system.platform === undefined ? '' : ` -p ${system.platform}`;
  return [
    `There is no namespace in ${system.skupperHome}/namespaces`,
    `Next: create a site that accepts links, with \`skupper site create NAME --enable-link-access${platform}\``,
  ];
}
