import type { Clock } from '../../../redemption/ports/clock.js';
import { BoundedMap } from '../../../time/bounded-map.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import { MAX_TOO_LARGE_OBJECTS, TOO_LARGE_S } from '../api/object-limit.js';
import { isConditionTrue, type Stored } from '../api/resource.js';
import type { EventRecorder } from '../controller/event-recorder.js';
import type { EventContent } from '../controller/pending-events.js';
import { type ReconcileResult, TerminalFailure } from '../controller/work-queue.js';
import type { SiteAccessCache } from '../sites/site-access-cache.js';
import {
  type AccessGrantResource,
  type AccessGrantStatus,
  notReadyReasonOf,
} from './access-grant-resource.js';
import { END_TYPES, endCondition, foreignConditions } from './conditions.js';
import { type ConflictingControllerDetector, FOREIGN_HOLD_MS } from './conflicting-controller-detector.js';
import {
  type ComputedStatus,
  computeStatus,
  countedGrantState,
  readLimitedGrant,
  statusChange,
} from './grant-status.js';

/** Dependencies of {@link GrantReconciler}. */
export interface GrantReconcilerDependencies {
  readonly client: Pick<KubernetesClient, 'find' | 'patch'>;
  readonly siteAccess: Pick<SiteAccessCache, 'accessOf' | 'forget'>;
  readonly conflicts: ConflictingControllerDetector;
  readonly events: Pick<EventRecorder, 'record'>;
  /** Called with `namespace/name` and the other controller's URL when linkgrant stops writing the status of a grant. */
  readonly onTakeover: (key: string, url: string) => void;
  /** The number of redemptions of a grant; undefined while it is unknown. */
  readonly countOf: (grant: Stored<AccessGrantResource>['metadata']) => number | undefined;
  /** The URL and CA of the service; undefined while they are unknown. */
  readonly serviceEndpoint: () => { readonly url: string; readonly ca: string } | undefined;
  readonly clock: Clock;
}

// setTimeout accepts at most 24 days. Reconciling once an hour costs nothing.
const MAX_DELAY_MS = 3_600_000;
const MIN_DELAY_MS = 100;

/**
 * Reconciles the status of an AccessGrant with its spec, its site and its redemptions. Never writes the spec or an
 * unchanged status. After a write conflict the grant is reconciled again.
 */
export class GrantReconciler {
  readonly #deps: GrantReconcilerDependencies;
  /** When a grant `namespace/name` was read and was too large, in milliseconds since the epoch. */
  readonly #tooLargeAt = new BoundedMap<string, number>(MAX_TOO_LARGE_OBJECTS);

  constructor(deps: GrantReconcilerDependencies) {
    this.#deps = deps;
  }

  /** Reconciles the grant `namespace/name`. Reads a grant that was too large only once in 30 seconds. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const heldMs = this.#heldMs(key);
    if (heldMs > 0) return { requeueAfterMs: heldMs };
    const [namespace, name] = key.split('/') as [string, string];
    const grant = await this.#deps.client.find<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
    const { clock, countOf, siteAccess, conflicts } = this.#deps;
    if (!grant || grant.metadata.deletionTimestamp !== undefined) {
      siteAccess.forget(key);
      return 'settled';
    }
    const { uid, generation } = grant.metadata;
    const now = clock();
    const read = readLimitedGrant(grant);
    if (read.isTooLarge) this.#tooLargeAt.set(key, now);
    const redemptions = countOf(grant.metadata);
    const serviceEndpoint = this.#deps.serviceEndpoint();
    if (serviceEndpoint && conflicts.hasForeignOwner(grant, `${serviceEndpoint.url}/${uid}`, now)) {
      const conditions = foreignConditions(grant.status?.conditions ?? [], { generation, now });
      await this.#write(grant, { ...grant.status, conditions });
      return { requeueAfterMs: FOREIGN_HOLD_MS };
    }
    const hasEnded = endCondition(countedGrantState(read.grant, redemptions, now)) !== undefined;
    if (hasEnded) siteAccess.forget(key);
    const { issuer, policy } = read.grant;
    const request = { namespace, name, issuer, policy };
    const access = hasEnded ? undefined : await siteAccess.accessOf(request);
    const computed = computeStatus(grant, read, { serviceEndpoint, access, redemptions, now });
    await this.#write(grant, computed.status);
    return requeueAtExpiry(computed, now);
  }

  /** Returns for how many milliseconds a grant is not read, because it was too large. */
  #heldMs(key: string): number {
    const age = this.#deps.clock() - (this.#tooLargeAt.get(key) ?? Number.NEGATIVE_INFINITY);
    // If the clock was set back, read the grant.
    return age < 0 ? 0 : Math.max(0, TOO_LARGE_S * 1_000 - age);
  }

  async #write(grant: Stored<AccessGrantResource>, wanted: AccessGrantStatus): Promise<void> {
    const status = statusChange(grant.status ?? {}, wanted);
    if (!status) return;
    const { namespace = '', name, uid, resourceVersion } = grant.metadata;
    try {
      const patch = { metadata: { uid, resourceVersion }, status };
      await this.#deps.client.patch(ACCESS_GRANTS, { namespace, name }, patch, { subresource: 'status' });
    } catch (error) {
      if (isApiError(error, 'not_found')) return;
      if (isApiError(error, 'invalid')) {
        throw new TerminalFailure('the API server rejected the status', { cause: error });
      }
      throw error;
    }
    if (status.url) this.#deps.conflicts.recordWrite(uid, status.url);
    this.#report(grant, wanted);
  }

  #report(grant: Stored<AccessGrantResource>, wanted: AccessGrantStatus): void {
    const { metadata, status: found = {} } = grant;
    const { namespace = '', name, uid } = metadata;
    for (const event of eventsOf(found, wanted)) {
      this.#deps.events.record({ namespace, name, uid }, event);
    }
    if (becomesTrue('ForeignController', found, wanted)) {
      this.#deps.onTakeover(`${namespace}/${name}`, wanted.url ?? '');
    }
  }
}

/** The Events that report the change from one status to another. */
function eventsOf(found: AccessGrantStatus, wanted: AccessGrantStatus): EventContent[] {
  const end = END_TYPES.find((type) => becomesTrue(type, found, wanted));
  if (end) return [{ type: 'Normal', reason: `Grant${end}`, message: wanted.message ?? '' }];
  if (END_TYPES.some((type) => isTrue(type, wanted))) return [];
  const message = notReadyReasonOf(wanted);
  if (message === notReadyReasonOf(found)) return [];
  if (message === undefined)
    return [{ type: 'Normal', reason: 'GrantReady', message: 'The grant can be redeemed' }];
  const reason = isTrue('ForeignController', wanted) ? 'ForeignController' : 'GrantNotReady';
  return [{ type: 'Warning', reason, message }];
}

function isTrue(type: string, { conditions = [] }: AccessGrantStatus): boolean {
  return isConditionTrue(conditions, type);
}

function becomesTrue(type: string, found: AccessGrantStatus, wanted: AccessGrantStatus): boolean {
  return !isTrue(type, found) && isTrue(type, wanted);
}

/**
 * Returns when to reconcile the grant again: at its expiry, but at the latest after `MAX_DELAY_MS`; not at all if it has
 * ended or its expiration window has not started.
 */
function requeueAtExpiry({ state, expirationTime }: ComputedStatus, now: number): ReconcileResult {
  if (state !== 'ready' || expirationTime === null) return 'settled';
  return { requeueAfterMs: Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, expirationTime - now)) };
}
