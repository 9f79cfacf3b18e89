import { setTimeout as sleep } from 'node:timers/promises';
import type { LinkState, RequestingCluster } from '../../compose/requesting-cluster.js';
import { CommandError } from '../terminal/command-error.js';
import { tell } from '../terminal/tell.js';

/** What the controller of a site in a cluster is to say of a link: the router is connected by it, was told of it, nothing. */
export type WantedLinkState = (typeof LINK_STATES)[number];

/** In the order of how much is asked for. */
export const LINK_STATES = ['ready', 'configured', 'none'] as const;

const POLL_MS = 1_000;
const DEFAULT_LIMIT_MS = 60_000;

/** A link can only be put into a namespace with a site. */
export async function requireSite(cluster: RequestingCluster): Promise<void> {
  if (await cluster.findSite()) return;
  throw new CommandError(
    `A site must exist in namespace ${cluster.namespace} before a token can be redeemed`,
    { exitCode: 1, hint: 'create one with `skupper site create`, or name another --namespace' },
  );
}

/** Waits until the controller reports this state of these Links, for `deadlineMs` or a minute. Rejects with a CommandError. */
export async function waitForLinks(
  names: readonly string[],
  cluster: RequestingCluster,
  {
    state,
    deadlineMs = DEFAULT_LIMIT_MS,
  }: { readonly state: WantedLinkState; readonly deadlineMs?: number | undefined },
): Promise<void> {
  if (state === 'none') return;
  const end = performance.now() + deadlineMs;
  for (;;) {
    const states = await cluster.linkStates();
    const late = names.find((name) => !isSo(states.get(name), state));
    if (late === undefined) {
      tell(names.map((name) => `Link "${name}" is ${state}\n`).join(''));
      return;
    }
    if (performance.now() >= end) throw notInTime(late, states.get(late), state, cluster);
    await sleep(Math.min(POLL_MS, Math.max(0, end - performance.now())));
  }
}

function isSo(state: LinkState | undefined, wanted: WantedLinkState): boolean {
  return (wanted === 'ready' ? state?.isReady : state?.isConfigured) ?? false;
}

function notInTime(
  name: string,
  state: LinkState | undefined,
  wanted: WantedLinkState,
  { namespace }: RequestingCluster,
): CommandError {
  const said = state?.message ?? state?.status;
  const why = said === undefined ? "Skupper's controller says nothing of it yet" : said;
  return new CommandError(`link "${name}" is in place, but not yet ${wanted}: ${why}`, {
    exitCode: 4,
    hint: `it may yet be: see \`linkgrant link status ${name} -p kubernetes -n ${namespace}\`, and \`linkgrant link check\` for the way there`,
  });
}
