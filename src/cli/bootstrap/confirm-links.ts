import type { RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import { linkDirectory } from '../../compose/open-links.js';
import type { PlacedLink } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { usedRole } from '../../domain/link.js';
import { shell } from '../../domain/shell-words.js';
import type { LinkFailure } from '../../redemption/ports/link-dialer.js';
import type { LinkCheck } from '../../redemption/requesting/check-link.js';
import { checkAsRouter } from '../link/link-check.js';
import { adviceForFault } from '../link/link-faults.js';
import type { StoredLinkTarget } from '../link/link-target.js';
import { CommandError } from '../terminal/command-error.js';

/**
 * Checks that the links connect: dials their endpoints with their credentials, and records the links that connect. In a cluster
 * reads the status of the Links instead. If a Link does not connect, rejects with a CommandError with exit code 4, because the
 * accepting site may still start.
 */
export async function confirmLinks(links: readonly PlacedLink[], target: StoredLinkTarget): Promise<void> {
  if (target.kind === 'cluster') return confirmInCluster(links, target.cluster);
  const { directory, location } = target;
  const unconfirmed = links.filter(({ name, notAfter }) => !location?.records?.isConfirmed(name, notAfter));
  if (unconfirmed.length === 0) return;
  const files = linkDirectory(directory);
  // A router uses only the proxy of its Link, not the one of the environment or of --proxy.
  const { proxy: _proxy, noProxy: _noProxy, ...direct } = target.connection;
  const stored = await files.list();
  for (const { name, notAfter } of unconfirmed) {
    for (const link of stored.filter(({ tlsCredentials }) => tlsCredentials === name)) {
      const check = await checkAsRouter(link, files, direct);
      const isEdge = target.kind === 'system-site' ? target.site.isEdge() : undefined;
      const failure = linkFailure(check, isEdge);
      if (!failure) continue;
      throw new CommandError(`link "${link.name}" is written but does not connect: ${failure.message}`, {
        exitCode: 4,
        hint: adviceForFault(failure.fault).hint,
      });
    }
    location?.records?.confirm(name, notAfter);
    await commandContext().checkpoint('link-confirmed');
  }
}

/** Checks the links in the status that Skupper's controller reports. */
async function confirmInCluster(links: readonly PlacedLink[], cluster: RequestingCluster): Promise<void> {
  const states = await cluster.linkStatuses();
  const stored = await cluster.links.list();
  const secrets = new Set(links.map(({ name }) => name));
  for (const { name } of stored.filter(({ tlsCredentials }) => secrets.has(tlsCredentials))) {
    const state = states.get(name);
    if (state?.isReady) continue;
    const reason = state?.message ?? state?.status ?? "Skupper's controller has not processed it yet";
    throw new CommandError(`link "${name}" is written but does not connect: ${reason}`, {
      exitCode: 4,
      hint: shell`run \`linkgrant link check ${name} -p kubernetes -n ${cluster.namespace}\`, and check that a Skupper controller runs`,
    });
  }
}

/**
 * Returns why the router cannot use the Link; undefined if one endpoint for its role works. If the role is unknown or no
 * endpoint has it, one working endpoint of any role is enough.
 */
function linkFailure(
  { link, failure, endpoints }: LinkCheck,
  isEdge: boolean | undefined,
): LinkFailure | undefined {
  if (failure) return failure;
  const role = usedRole(link, isEdge === true);
  const roleEndpoints = endpoints.filter(({ endpoint }) => endpoint.name === role);
  const isKnown = isEdge !== undefined || role === 'inter-network';
  const candidates = isKnown && roleEndpoints.length > 0 ? roleEndpoints : endpoints;
  const failures = candidates.flatMap(({ outcome }) => ('fault' in outcome ? [outcome] : []));
  return failures.length === candidates.length ? failures[0] : undefined;
}
