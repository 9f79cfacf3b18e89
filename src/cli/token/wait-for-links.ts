import { setTimeout as sleep } from 'node:timers/promises';
import type { LinkStatus, RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import { shell } from '../../domain/shell-words.js';
import { parseWindow } from '../flags/flag-values.js';
import { type LinkTarget, type LinkTargetFlags, openLinkTarget } from '../link/link-target.js';
import { requireKnownNamespace } from '../link/site-namespace.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { withProgress } from '../terminal/progress.js';
import { writeStderr } from '../terminal/write-out.js';

/**
 * The state to wait for: Skupper's controller reports the link as connected (`ready`), or as sent to the router (`configured`).
 */
export type WantedLinkState = 'ready' | 'configured' | 'none';

/** The flags of a command that writes the link of a token or of an answer file. */
export interface WrittenLinkFlags extends LinkTargetFlags {
  /** On kubernetes: the state of the link to wait for. */
  readonly wait?: WantedLinkState;
  /** On kubernetes: the time limit of `wait`. */
  readonly deadline?: string;
  readonly output?: OutputFormat;
}

const POLL_MS = 1_000;
const DEFAULT_LIMIT_MS = 60_000;

/** Opens the target of the link. Rejects with a CommandError for flags that this target does not have. */
export async function openTargetOfLink(flags: WrittenLinkFlags): Promise<LinkTarget> {
  const { to, output, wait, deadline } = flags;
  if (to === '-' && output !== undefined) {
    throw usageError('-o and --to - both write to standard output', 'set --to to a directory');
  }
  parseWindow('--deadline', deadline);
  const target = await openLinkTarget(flags, { storesRecords: false });
  if (target.kind !== 'cluster' && (wait ?? deadline) !== undefined) {
    throw usageError(
      '--wait and --deadline are for --platform kubernetes',
      'omit them; `linkgrant link check` dials the link',
    );
  }
  if (target.kind === 'system-site') requireKnownNamespace(target.skupperHome, target.namespace);
  return target;
}

/** Rejects with a CommandError if the namespace has no site: a link belongs to a site. */
export async function requireSite(cluster: RequestingCluster): Promise<void> {
  if (await cluster.findSite()) return;
  throw new CommandError(
    `A site must exist in namespace ${cluster.namespace} before a token can be redeemed`,
    { exitCode: 1, hint: 'create one with `skupper site create`, or set another --namespace' },
  );
}

/**
 * Waits until the controller reports `state` for each of these Links. Rejects with a CommandError after `deadlineMs`, by
 * default a minute.
 */
export async function waitForLinks(
  names: readonly string[],
  cluster: RequestingCluster,
  {
    state,
    deadlineMs = DEFAULT_LIMIT_MS,
  }: { readonly state: WantedLinkState; readonly deadlineMs?: number | undefined },
): Promise<void> {
  if (state === 'none') return;
  await withProgress(`Waiting until the link is ${state}`, async () => {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const states = await cluster.linkStatuses();
      const pending = names.find((name) => !isReached(states.get(name), state));
      if (pending === undefined) break;
      if (performance.now() >= end) throw notInTime(pending, states.get(pending), state, cluster);
      await sleep(Math.min(POLL_MS, Math.max(0, end - performance.now())));
    }
  });
  writeStderr(names.map((name) => `Link "${name}" is ${state}\n`).join(''));
}

function isReached(state: LinkStatus | undefined, wanted: WantedLinkState): boolean {
  return (wanted === 'ready' ? state?.isReady : state?.isConfigured) ?? false;
}

function notInTime(
  name: string,
  state: LinkStatus | undefined,
  wanted: WantedLinkState,
  { namespace }: RequestingCluster,
): CommandError {
  const reported = state?.message ?? state?.status;
  const reason = reported ?? "Skupper's controller has not reported it yet";
  return new CommandError(`link "${name}" is written, but not yet ${wanted}: ${reason}`, {
    exitCode: 4,
    hint: shell`check it later with \`linkgrant link status ${name} -p kubernetes -n ${namespace}\`, and dial its endpoints with \`linkgrant link check\``,
  });
}
