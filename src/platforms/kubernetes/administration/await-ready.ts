import { AdministrationError } from '../../../domain/administration-error.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import {
  type AccessGrantResource,
  type AccessGrantStatus,
  readAccessGrant,
} from '../grants/access-grant-resource.js';
import { PENDING } from '../grants/conditions.js';
import type { LeaseReport } from './service-lease.js';

/** How long, and how, a new grant is waited for. */
export interface Patience {
  readonly timeoutMs: number;
  /** Resolves when the command is to stop; called once there is something to roll back. */
  readonly shutdownSignal: () => Promise<void>;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds that only go up. */
  readonly elapsed: () => number;
}

/** A grant that is Ready, with what its token is made of. */
export type ReadyGrant = Stored<AccessGrantResource> & {
  readonly status: AccessGrantStatus & { readonly url: string; readonly code: string; readonly ca: string };
};

const LOOK_MS = 200;
// A controller that runs sees a new grant at once. One that may have died has 17 s to be replaced.
const UNSERVED_MS = { none: 5_000, stopped: 5_000, forbidden: 20_000, leading: 20_000 } as const;

/**
 * The grant as soon as a controller says that it is Ready. Rejects with AdministrationError as soon as something is known to
 * stand in its way, and with RedemptionError `service_unavailable` when nothing more is said in time.
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
    /** What is to be seen of a service of linkgrant's. */
    readonly service: LeaseReport['seen'];
    readonly patience: Patience;
    /** Aborted when the command is to stop. */
    readonly signal: AbortSignal;
  },
): Promise<ReadyGrant> {
  const { timeoutMs, wait, elapsed } = patience;
  const began = elapsed();
  const unservedMs = Math.min(UNSERVED_MS[service], timeoutMs);
  let said: string | undefined;
  for (;;) {
    if (signal.aborted)
      throw new AdministrationError('grant_state', 'told to stop', { hint: 'run it again' });
    try {
      const grant = await client.find<AccessGrantResource>(ACCESS_GRANTS, key);
      if (grant?.metadata.uid !== uid) {
        throw new AdministrationError('no_such_grant', `grant "${key.name}" was deleted meanwhile`);
      }
      if (isReady(grant)) return grant;
      said = judge(grant) ?? said;
    } catch (error) {
      if (!isApiError(error, 'unavailable')) throw error;
      said = error.message;
    }
    const waited = elapsed() - began;
    if (said === undefined && waited >= unservedMs) throw unserved(service);
    if (waited >= timeoutMs) {
      throw new RedemptionError('service_unavailable', `it was not Ready in time: ${said}`);
    }
    await wait(LOOK_MS, signal);
  }
}

function isReady(grant: Stored<AccessGrantResource>): grant is ReadyGrant {
  const { conditions = [], url, code, ca } = grant.status ?? {};
  return (
    conditions.some(({ type, status }) => type === 'Ready' && status === 'True') && Boolean(url && code && ca)
  );
}

/** What a grant that is not Ready waits for; undefined until its status says so. Throws AdministrationError for a lasting problem. */
function judge(grant: Stored<AccessGrantResource>): string | undefined {
  const { conditions = [] } = grant.status ?? {};
  const { problems } = readAccessGrant(grant);
  if (problems.length > 0) throw new AdministrationError('value_rejected', problems.join(', '));
  const blocking = conditions.find(
    ({ status, type }) => status !== 'True' && (type === 'Processed' || type === 'Resolved'),
  );
  if (!blocking) return conditions.length > 0 ? 'its conditions are not complete' : undefined;
  const { reason, message } = blocking;
  if (reason === PENDING.reason && message === PENDING.message) {
    return 'the service that serves it does not know yet where it is reached';
  }
  // What is wrong, and what helps, are parted like this in a message of linkgrant's.
  const [what = '', hint = 'mend that, then repeat'] = message.split(/; (.*)/s);
  throw new AdministrationError('no_link_access', what, { hint });
}

function unserved(service: LeaseReport['seen']): AdministrationError {
  const hint =
    'run `linkgrant serve --platform kubernetes` for it (deploy/ has manifests), or name where it runs with --service-namespace';
  const text =
    service === 'leading'
      ? 'a service runs, and does not serve this namespace'
      : 'no controller serves AccessGrants here';
  return new AdministrationError('service_unknown', text, { hint });
}
