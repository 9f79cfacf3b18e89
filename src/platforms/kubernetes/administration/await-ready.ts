import { AdministrationError } from '../../../domain/administration-error.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import { isConditionTrue, type ResourceKey, type Stored } from '../api/resource.js';
import {
  type AccessGrantResource,
  type AccessGrantStatus,
  readAccessGrant,
} from '../grants/access-grant-resource.js';
import { blockingCondition, PENDING_CONDITION } from '../grants/conditions.js';
import type { ServiceLeaseReport } from './service-lease.js';

/** How a command waits for a new grant. */
export interface Patience {
  readonly timeoutMs: number;
  /** Resolves when the command must stop. Called before the grant is created. A stop then deletes the created grant. */
  readonly shutdownSignal: () => Promise<void>;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Monotonic time in milliseconds. */
  readonly monotonicMs: () => number;
}

/** A grant that is or was Ready, with the fields of its token. */
export type ReadyGrant = Stored<AccessGrantResource> & {
  readonly status: AccessGrantStatus & { readonly url: string; readonly code: string; readonly ca: string };
};

const POLL_MS = 200;
// How long to wait for the first status, for each state of the Lease. A running controller processes a new grant at once. If
// the leader has crashed, another replica takes over within 20 s: it sees the last renewal up to 2.4 s late, the Lease expires
// 15 s after that, and the replica checks every 2.4 s at most.
const FIRST_STATUS_MS = { none: 5_000, stopped: 5_000, forbidden: 25_000, leading: 25_000 } as const;

/**
 * Waits until a controller sets a grant to Ready, and returns it. Rejects with AdministrationError as soon as its status
 * shows a lasting problem, and with RedemptionError `service_unavailable` after the time limit.
 */
export async function awaitReady(
  key: ResourceKey,
  uid: string,
  {
    client,
    service,
    patience,
    signal,
  }: {
    readonly client: Pick<KubernetesClient, 'find'>;
    /** The state of the service's Lease. */
    readonly service: ServiceLeaseReport['state'];
    readonly patience: Patience;
    /** Aborted when the command must stop. */
    readonly signal: AbortSignal;
  },
): Promise<ReadyGrant> {
  const { timeoutMs, wait, monotonicMs } = patience;
  const startedAt = monotonicMs();
  const firstStatusMs = Math.min(FIRST_STATUS_MS[service], timeoutMs);
  let reason: string | undefined;
  for (;;) {
    if (signal.aborted)
      throw new AdministrationError('grant_state', 'stopped by a signal', { hint: 'run it again' });
    const progress = await readProgress(key, uid, client);
    if (progress.ready) return progress.ready;
    reason = progress.pending ?? reason;
    const waitedMs = monotonicMs() - startedAt;
    if (reason === undefined && waitedMs >= firstStatusMs) throw unservedError(service);
    if (waitedMs >= timeoutMs) {
      throw new RedemptionError('service_unavailable', `it was not Ready in time: ${reason}`);
    }
    await wait(POLL_MS, signal);
  }
}

/** Reads a Ready grant, or why the grant is not Ready yet; both are undefined until the status contains a reason. */
async function readProgress(
  key: ResourceKey,
  uid: string,
  client: Pick<KubernetesClient, 'find'>,
): Promise<{ readonly ready?: ReadyGrant; readonly pending?: string | undefined }> {
  try {
    const grant = await client.find<AccessGrantResource>(ACCESS_GRANTS, key);
    if (grant?.metadata.uid !== uid) {
      throw new AdministrationError('no_such_grant', `grant "${key.name}" was deleted meanwhile`);
    }
    return isReady(grant) ? { ready: grant } : { pending: pendingReason(grant) };
  } catch (error) {
    if (!isApiError(error, 'unavailable')) throw error;
    return { pending: error.message };
  }
}

function isReady(grant: Stored<AccessGrantResource>): grant is ReadyGrant {
  return isConditionTrue(grant.status?.conditions ?? [], 'Ready') && hasTokenFields(grant);
}

/** Whether the status of a grant has the fields of its token. They stay there after the grant has ended. */
export function hasTokenFields(grant: Stored<AccessGrantResource>): grant is ReadyGrant {
  const { url, code, ca } = grant.status ?? {};
  return Boolean(url && code && ca);
}

/**
 * Why a grant is not Ready yet; undefined until its status contains a reason. Throws AdministrationError for a lasting
 * problem.
 */
function pendingReason(grant: Stored<AccessGrantResource>): string | undefined {
  const { conditions = [] } = grant.status ?? {};
  const { problems } = readAccessGrant(grant);
  if (problems.length > 0) throw new AdministrationError('value_rejected', problems.join(', '));
  const blocking = blockingCondition(conditions);
  if (!blocking) return conditions.length > 0 ? 'its conditions are not complete' : undefined;
  const { message } = blocking;
  if (blocking.reason === PENDING_CONDITION.reason && message === PENDING_CONDITION.message) {
    return 'the service does not know its own address yet';
  }
  // Messages of linkgrant separate problem and hint with a semicolon.
  const [problem = '', hint = 'correct this, then repeat the command'] = message.split(/; (.*)/s);
  throw new AdministrationError('no_link_access', problem, { hint });
}

function unservedError(service: ServiceLeaseReport['state']): AdministrationError {
  const hint =
    'run `linkgrant serve --platform kubernetes` for this namespace (manifests are in deploy/), or name the namespace of a running service with --service-namespace';
  const text =
    service === 'leading'
      ? 'a service runs, but it does not serve this namespace'
      : 'no controller serves AccessGrants here';
  return new AdministrationError('service_unknown', text, { hint });
}
