import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { ReadinessPart } from '../../admin/operations-app.js';
import { createRedeemerMetrics, type RedeemerMetrics } from '../../admin/redeemer-metrics.js';
import { readAnswer } from '../../client/answer-reader.js';
import { DEFAULT_TIMEOUT_MS, SERVER_WORK } from '../../client/connection.js';
import { createRenewalClient } from '../../client/https-renewal-client.js';
import { tokenNetworks } from '../../client/token-networks.js';
import type { Settings } from '../../config/setting-schemas.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { clusterMaterializer } from '../../platforms/kubernetes/requesting/cluster-materializer.js';
import { pendingSecrets } from '../../platforms/kubernetes/requesting/pending-secret.js';
import {
  TokenController,
  type TokenControllerOptions,
} from '../../platforms/kubernetes/tokens/token-controller.js';
import type { TokenFacts } from '../../platforms/kubernetes/tokens/token-index.js';
import { CpuBudget } from '../../time/cpu-budget.js';
import type { RuntimeContext } from '../runtime.js';
import { redeemer, type ServiceConnectionOptions } from '../token-redemption.js';
import { clusterReadiness, leadLog, logClusterFailure, openReplica } from './open-replica.js';

// A request in progress gets its full time limit plus time to store the response: Skupper's grant server counts each request
// as a use, and sends the response only once. Another replica becomes leader 15 s after the last renewal of the lease.
const DRAIN_MS = DEFAULT_TIMEOUT_MS + 2_000;

/** A running program that redeems the AccessTokens of a cluster or a namespace. It has no listener. */
export interface RunningRedeemer {
  readonly metrics: Registry;
  readonly readiness: readonly ReadinessPart[];
  /** Sends no further requests, ends those in progress within 12 s, and releases the leader lease. */
  close(): Promise<void>;
}

/** Starts the redeemer; `connection` has the options for reaching services. Rejects with ClusterConfigError. */
export async function startKubernetesRedeemer(
  settings: Settings,
  connection: Omit<ServiceConnectionOptions, 'clock' | 'mayReach'>,
  context: RuntimeContext,
): Promise<RunningRedeemer> {
  const replica = await openReplica(settings);
  const stopping = new AbortController();
  const metrics = createRedeemerMetrics({
    countTokens: () => countByState(controller.tokens.all()),
    isLeading: () => controller.isLeading,
  });
  const serviceConnection = {
    ...connection,
    clock: context.clock,
    mayReach: tokenNetworks(settings.tokenNetwork),
    lookupWait: stopping.signal,
  };
  const controller = new TokenController({
    ...replica,
    namespace: settings.namespace,
    ...redemptionOptions(serviceConnection, settings.ownKey, context, stopping.signal),
    ...reportingOptions(metrics, context, stopping.signal),
    onLeadingChange: leadLog(context.logger, replica.identity),
    // The timers keep the process alive while the API server is unreachable.
    wait: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => {}),
  });
  controller.start();
  return {
    metrics: metrics.registry,
    readiness: [clusterReadiness(controller)],
    async close() {
      stopping.abort();
      await Promise.race([controller.stop(), sleep(DRAIN_MS, undefined, { ref: false })]);
      replica.client.close();
    },
  };
}

/** Redeems tokens (with `ownKey` only those of linkgrant) and renews links. Aborting `stopping` ends every wait. */
function redemptionOptions(
  serviceConnection: ServiceConnectionOptions,
  ownKey: boolean,
  { clock, checkpoint }: RuntimeContext,
  stopping: AbortSignal,
): Pick<TokenControllerOptions, 'redeem' | 'renewalDependencies' | 'waitMs' | 'clock' | 'checkpoint'> {
  const budget = new CpuBudget(SERVER_WORK);
  const wait = (ms: number) => sleep(ms, undefined, { signal: stopping });
  return {
    redeem: (request, target) => {
      const redeem = redeemer(
        { openPending: pendingSecrets(target, clock) },
        {
          ...serviceConnection,
          runWork: budget.startAttempt(target.namespace, clock),
          checkpoint,
          wait,
          stopping,
        },
      );
      return redeem({ ...request, ownKey }, clusterMaterializer(target, clock));
    },
    renewalDependencies: (namespace) => {
      const runWork = budget.startAttempt(namespace, clock);
      return {
        client: createRenewalClient({ ...serviceConnection, runWork }),
        readAnswer: (text, context) => runWork(() => readAnswer(text, context)),
        clock,
        checkpoint,
      };
    },
    waitMs: (namespace) => budget.waitMs(namespace, clock()),
    clock,
    checkpoint,
  };
}

/** Metrics and logs of the work, without text of peers. Failures caused by the shutdown are not reported. */
function reportingOptions(
  metrics: RedeemerMetrics,
  { logger }: RuntimeContext,
  stopping: AbortSignal,
): Pick<
  TokenControllerOptions,
  | 'onRedeemed'
  | 'onGivenUp'
  | 'onNotServed'
  | 'onOverwritten'
  | 'onAttemptFailed'
  | 'renewalObserver'
  | 'onFailure'
> {
  const failed = (what: string, error: unknown) => {
    if (!stopping.aborted) logClusterFailure(logger, what, error);
  };
  return {
    onRedeemed(key, { redemptionId, source, alreadyRedeemed }) {
      metrics.recordAttempt('redeemed');
      const event = 'token_redeemed';
      const facts = { event, ...objectName(key), redemption: redemptionId, source, alreadyRedeemed };
      const message = source === 'stock' ? 'redeemed; the server generated the private key' : 'redeemed';
      logger.info(facts, message);
    },
    onGivenUp(key, { code, message }) {
      metrics.recordAttempt(code);
      logger.warn({ event: 'token_given_up', ...objectName(key), code }, message);
    },
    onNotServed(namespace) {
      const event = 'namespace_not_served';
      logger.info(
        { event, namespace },
        'AccessTokens of a namespace are not redeemed: no RoleBinding there grants the permissions',
      );
    },
    onOverwritten(key) {
      const event = 'status_overwritten';
      logger.warn(
        { event, ...objectName(key) },
        "another controller, perhaps Skupper's, overwrites the status of an AccessToken: linkgrant stops processing it",
      );
    },
    onAttemptFailed(key, error, retryInMs) {
      if (!(error instanceof RedemptionError)) {
        failed(`work on AccessToken ${key}`, error);
        return;
      }
      metrics.recordAttempt(error.code);
      logger.warn({ event: 'token_failed', ...objectName(key), code: error.code, retryInMs }, error.message);
    },
    renewalObserver: {
      renewed(key, { redemptionId, certificate }) {
        metrics.recordRenewal('renewed');
        const notAfter = new Date(certificate.notAfter).toISOString();
        logger.info(
          { event: 'link_renewed', ...objectName(key), redemption: redemptionId, notAfter },
          'renewed',
        );
      },
      failed(key, error) {
        if (!(error instanceof RedemptionError)) {
          failed(`renew the link ${key}`, error);
          return;
        }
        metrics.recordRenewal(error.code);
        logger.warn({ event: 'renewal_failed', ...objectName(key), code: error.code }, error.message);
      },
      accessRevoked(namespace, links, notAfter) {
        const endsAt = new Date(notAfter).toISOString();
        logger.warn(
          { event: 'links_not_renewed', namespace, links, notAfter: endsAt },
          'the namespace has revoked the permissions: its links are no longer renewed, and expire with their certificates',
        );
      },
      listFailed: (namespace, error) => failed(`list the links of namespace ${namespace}`, error),
    },
    onFailure: failed,
  };
}

function objectName(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace, name] = key.split('/') as [string, string];
  return { namespace, name };
}

function countByState(tokens: Iterable<TokenFacts>): Record<TokenFacts['state'], number> {
  const counts = { open: 0, redeemed: 0, refused: 0, unknown: 0 };
  for (const { state } of tokens) counts[state] += 1;
  return counts;
}
