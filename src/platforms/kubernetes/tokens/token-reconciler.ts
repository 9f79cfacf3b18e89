import { readSignedCode } from '../../../codes/signed-code.js';
import type { AccessToken } from '../../../domain/access-token.js';
import { SECRET_TOKEN_LABEL } from '../../../domain/labels.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import type { Checkpoint, Clock } from '../../../redemption/ports/clock.js';
import { readAccessToken } from '../../../redemption/requesting/read-access-token.js';
import {
  pendingRedemptionId,
  type RedeemedToken,
  type RedeemTokenRequest,
} from '../../../redemption/requesting/redeem-token.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_TOKENS, SECRETS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import { namespaceOf } from '../controller/fair-queue.js';
import type { ReconcileResult } from '../controller/work-queue.js';
import type { NamespaceTarget } from '../requesting/namespace-target.js';
import { findPlacedSecret } from '../requesting/placed-secret.js';
import { findOwnerSite, ownerReference } from '../requesting/site-owner.js';
import type { SiteFacts } from '../sites/site-resource.js';
import {
  type AccessTokenResource,
  DELETED_SITE_STATE,
  finalReason,
  redeemedCondition,
  type TokenState,
} from './access-token-resource.js';
import { FinalStatusCache } from './final-status-cache.js';
import { failedState, sanitizeError, serversTooSlow } from './token-failures.js';
import { NamespaceNotServedError, writeTokenStatus } from './write-token-status.js';

/** What {@link TokenReconciler} needs. */
export interface TokenReconcilerDependencies {
  readonly client: KubernetesClient;
  /** Redeems a token and puts the link into a namespace; safe to repeat. */
  readonly redeem: (request: RedeemTokenRequest, target: NamespaceTarget) => Promise<RedeemedToken>;
  /** Called for each successful redemption, after the status of the token was written. */
  readonly onRedeemed: (key: string, redeemed: RedeemedToken) => void;
  /** Called for each failure that is not retried automatically. */
  readonly onGivenUp: (key: string, error: RedemptionError) => void;
  /** Called once when a namespace is found that does not grant the permissions to redeem its tokens. */
  readonly onNotServed: (namespace: string) => void;
  /** Called for a token whose status another controller overwrites. This controller stops processing the token. */
  readonly onOverwritten: (key: string) => void;
  /** Milliseconds until the servers of a namespace's tokens may cause work again; 0 if they may now. */
  readonly waitMs: (namespace: string) => number;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

const READY: TokenState = { redeemed: true, reason: 'Ready', message: 'OK' };
/** Interval after which a namespace without the permissions is checked again. */
const NOT_SERVED_MS = 60_000;
/** Interval after which a link is checked again that another client may create or delete. */
const RECHECK_MS = 60_000;

/**
 * Redeems an AccessToken into its namespace, once, and writes the outcome into its status. If the program ends in between,
 * the next run continues from the stored state. If only the status write fails, only the write is retried.
 */
export class TokenReconciler {
  readonly #deps: TokenReconcilerDependencies;
  readonly #finalStatus: FinalStatusCache;
  /** By namespace, as times of `performance.now()`. */
  readonly #notServedUntil = new Map<string, number>();

  constructor(deps: TokenReconcilerDependencies) {
    this.#deps = deps;
    this.#finalStatus = new FinalStatusCache(deps.onOverwritten);
  }

  /** Processes the token `namespace/name`. Rejects with RedemptionError or ApiError if it has to be retried. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const [namespace, name] = key.split('/') as [string, string];
    const notServedUntil = this.#notServedUntil.get(namespace);
    const remainingMs = (notServedUntil ?? 0) - performance.now();
    if (remainingMs > 0) return { requeueAfterMs: remainingMs };
    try {
      if (notServedUntil !== undefined) await this.#assertServed(namespace);
      const result = await this.#work(namespace, name, key);
      this.#notServedUntil.delete(namespace);
      return result;
    } catch (error) {
      if (!(error instanceof NamespaceNotServedError)) throw error;
      // Report the namespace once, not again for its other tokens or at the next check.
      if (!this.#notServedUntil.has(namespace)) this.#deps.onNotServed(namespace);
      this.#notServedUntil.set(namespace, performance.now() + NOT_SERVED_MS);
      return { requeueAfterMs: NOT_SERVED_MS };
    }
  }

  /** Discards the state of the deleted token `namespace/name`; `isLast` if its namespace has no other token. */
  forget(key: string, isLast: boolean): void {
    this.#finalStatus.forget(key);
    if (isLast) this.#notServedUntil.delete(namespaceOf(key));
  }

  async #work(namespace: string, name: string, key: string): Promise<ReconcileResult> {
    const { client } = this.#deps;
    const token = await client.find<AccessTokenResource>(ACCESS_TOKENS, { namespace, name });
    if (!token || token.metadata.deletionTimestamp !== undefined) return 'settled';
    const reason = finalReason(token) ?? this.#finalStatus.find(key, token);
    if (reason === 'Refused') return 'settled';
    const site = await findOwnerSite(client, namespace);
    const read = readAccessToken({ metadata: { ...token.metadata }, spec: token.spec ?? {} });
    if (reason === 'Ready') return this.#checkDeletedSite(token, read, site);
    if (typeof read === 'string') {
      const message = `The AccessToken cannot be used: ${read}.`;
      await writeTokenStatus(token, { redeemed: false, reason: 'Refused', message }, this.#deps);
      this.#finalStatus.store(key, token, 'Refused');
      this.#deps.onGivenUp(key, new RedemptionError('token_invalid', message));
      return 'settled';
    }
    if (reason === 'OutcomeUnknown' && !(await this.#isPlaced(namespace, read))) {
      return { requeueAfterMs: RECHECK_MS };
    }
    if (!site) {
      if (reason === 'Pending') return 'settled';
      const message = `A site must exist in namespace ${namespace} before a token can be redeemed`;
      // The creation of a Site enqueues the token again.
      await writeTokenStatus(token, { redeemed: false, reason: 'Pending', message }, this.#deps);
      this.#finalStatus.store(key, token, 'Pending');
      return 'settled';
    }
    this.#finalStatus.forget(key);
    return this.#redeem(token, read, site, key);
  }

  async #redeem(
    resource: Stored<AccessTokenResource>,
    token: AccessToken,
    site: SiteFacts,
    key: string,
  ): Promise<ReconcileResult> {
    const { client, redeem, onRedeemed, onGivenUp, waitMs, clock, checkpoint } = this.#deps;
    const { namespace = '' } = resource.metadata;
    const retryAfterMs = waitMs(namespace);
    if (retryAfterMs > 0) {
      await writeTokenStatus(resource, failedState(serversTooSlow(clock() + retryAfterMs)), this.#deps);
      return { retryAfterMs };
    }
    const subject = readSignedCode(token.code)?.subject ?? site.uid;
    const target = { client, namespace, owner: async () => ownerReference(site, namespace) };
    let redeemed: RedeemedToken;
    try {
      redeemed = await redeem({ token, name: token.name, subject, renews: true }, target);
    } catch (error) {
      // While the API server is unavailable, the status cannot be written either.
      if (!(error instanceof RedemptionError) || error.code === 'cluster_unavailable') throw error;
      const failure = sanitizeError(error);
      const state = failedState(failure);
      await writeTokenStatus(resource, state, this.#deps);
      if (state.reason === 'Error') throw failure;
      this.#finalStatus.store(key, resource, state.reason);
      onGivenUp(key, failure);
      return state.reason === 'OutcomeUnknown' ? { requeueAfterMs: RECHECK_MS } : 'settled';
    }
    await checkpoint('before-status');
    await writeTokenStatus(resource, READY, this.#deps);
    onRedeemed(key, redeemed);
    return 'settled';
  }

  /** If the Site of a redeemed token was deleted, and its link with it, writes that into the status. */
  async #checkDeletedSite(
    resource: Stored<AccessTokenResource>,
    token: AccessToken | string,
    site: SiteFacts | undefined,
  ): Promise<ReconcileResult> {
    const condition = redeemedCondition(resource);
    if (condition?.reason !== READY.reason || typeof token === 'string') return 'settled';
    const redeemedAt = timeOf(condition.lastTransitionTime) ?? 0;
    if (site && (timeOf(site.createdAt) ?? 0) <= redeemedAt) return 'settled';
    // Clocks differ, and garbage collection deletes the resources of a Site some time after it.
    if (await this.#isPlaced(resource.metadata.namespace ?? '', token)) return { requeueAfterMs: RECHECK_MS };
    await writeTokenStatus(resource, DELETED_SITE_STATE, this.#deps);
    return 'settled';
  }

  /** Checks the permissions with the cheapest request that needs them. Rejects with NamespaceNotServedError. */
  async #assertServed(namespace: string): Promise<void> {
    try {
      await this.#deps.client.list(SECRETS, { namespace, labelSelector: SECRET_TOKEN_LABEL }, { limit: 1 });
    } catch (error) {
      throw isApiError(error, 'forbidden') ? new NamespaceNotServedError() : error;
    }
  }

  async #isPlaced(namespace: string, token: AccessToken): Promise<boolean> {
    try {
      const id = pendingRedemptionId(token);
      return (await findPlacedSecret(this.#deps.client, namespace, id))?.answer !== undefined;
    } catch (error) {
      throw isApiError(error, 'forbidden') ? new NamespaceNotServedError() : error;
    }
  }
}
