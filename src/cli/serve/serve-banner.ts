import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { siteReports } from '../../compose/system-sites.js';
import { commandContext } from '../../config/command-context.js';
import type { Flags } from '../../config/config.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { isLoopback } from '../../domain/peer-address.js';
import { shell } from '../../domain/shell-words.js';
import type { ServiceDescription, SystemPlace } from '../../redemption/accepting/service-description.js';
import { formatFingerprint } from '../terminal/output.js';
import { plainText } from '../terminal/plain-text.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand } from '../terminal/suggested-command.js';

/** How a service was started. */
export interface ServiceStart {
  readonly settings: Settings;
  /** The flags of `serve`. */
  readonly flags: Flags;
  /** True if the data directory had CAs before the start. */
  readonly hadCas: boolean;
}

/** Returns whether a data directory has CAs. A service whose certificates all come from other files creates none. */
export function hasCas(dataDir: string): boolean {
  return existsSync(join(dataDir, 'issuers'));
}

/** The ports that a service listens on. */
export interface ServingPorts {
  readonly service: number;
  readonly operations: number | undefined;
  readonly admin: number | undefined;
}

/**
 * Writes the addresses of a service that has started, and the next command. Adds those flags of `serve` that this command
 * accepts.
 */
export async function writeBanner(
  description: ServiceDescription,
  ports: ServingPorts,
  { settings: { namespace, console, dataDir }, flags, hadCas }: ServiceStart,
): Promise<void> {
  const { platform, url, noAddress, caSha256, system, endpoints } = description;
  const on = `on port ${ports.service}${ports.operations === undefined ? '' : `, health and metrics on port ${ports.operations}`}`;
  const standaloneLines = endpoints.length > 0 ? nextSteps(flags) : noEndpointText(namespace, flags);
  const lines = [
    ...(!hadCas && hasCas(dataDir) ? [`First start with ${dataDir}: it had no CAs yet`] : []),
    ...(noAddress === undefined
      ? [`Serving ${url} ${on}`]
      : [`Serving ${on}`, `No address yet: ${noAddress}`]),
    ...(ports.admin === undefined ? [] : [`Admin API on port ${ports.admin}`]),
    ...(console === undefined ? [] : [`Console at ${console.origin}/console/`]),
    `CA SHA-256 fingerprint ${formatFingerprint(caSha256)}`,
    ...(platform === 'kubernetes'
      ? [clusterLine(namespace, noAddress !== undefined)]
      : system
        ? await siteLines(system, flags)
        : [standaloneLines]),
    '',
  ];
  commandContext().stdout.write(plainText(withProgramName(lines.join('\n'))));
}

/** Returns the commands that issue a token and open the console; `issueFlags` are added to the first one. */
function nextSteps(flags: Flags, issueFlags = ''): string {
  const issue = completeCommand(`linkgrant token issue token.yaml${issueFlags}`, flags);
  return `Next: ${issue}\nOr in a browser: ${completeCommand('linkgrant console', flags)}`;
}

function noEndpointText(namespace: string | undefined, flags: Flags): string {
  const alternative =
    namespace === undefined
      ? ''
      : `. To serve the site of namespace ${namespace} instead, start with --platform podman, docker or linux`;
  const trial = completeCommand('linkgrant serve --endpoint inter-router=localhost:55671', flags);
  return `No link can be accepted yet: start with --endpoint inter-router=HOST:PORT, the address of your router${alternative}
To try it without a router: stop this service, and run ${trial}
Console in a browser: ${completeCommand('linkgrant console', flags)}`;
}

function clusterLine(namespace: string | undefined, lacksAddress: boolean): string {
  const where = namespace === undefined ? 'every namespace' : `namespace ${namespace}`;
  return `Next: create an AccessGrant; the AccessGrants in ${where} become Ready${lacksAddress ? ' once the service has an address' : ''}`;
}

/** Returns a line for each served site (the endpoints of its links, or why it accepts none), then the next step. */
async function siteLines(system: SystemPlace, flags: Flags): Promise<string[]> {
  const reports = await siteReports(system, commandContext().clock);
  const lines = reports.map(({ namespace, access, otherPlatform }) => {
    const other =
      otherPlatform === undefined ? '' : ` (it runs on ${otherPlatform}, not on ${system.platform})`;
    if ('refused' in access)
      return `Namespace ${namespace}${other}: no links, ${access.reason}; ${access.hint}`;
    const endpoints = access.endpoints.map(formatEndpoint).join(', ');
    const local = access.endpoints.some(({ host }) => isLoopback(host));
    return `Namespace ${namespace}${other}: links to ${endpoints}${local ? ' (a loopback address: only for sites on this machine)' : ''}`;
  });
  const open = reports.find(({ access }) => !('refused' in access));
  if (open) return [...lines, nextSteps(flags, shell` --namespace ${open.namespace}`)];
  // An edge site, or a site that only requests links, needs no change.
  const closed = reports.find(({ access }) => 'refused' in access && !access.isRequestOnly) ?? reports[0];
  if (closed) {
    const { namespace } = closed;
    return [
      ...lines,
      `Next: do what the line of namespace ${namespace} says, then ${completeCommand(shell`linkgrant token issue token.yaml --namespace ${namespace}`, flags)}`,
    ];
  }
  return [
    `There is no site in ${system.skupperHome}/namespaces`,
    `Next: create a site that accepts links, with \`skupper site create NAME --enable-link-access -p ${system.platform}\``,
  ];
}
