import { setTimeout as sleep } from 'node:timers/promises';
import { addLeadingMetric } from '../../admin/leading-metric.js';
import { createMetrics } from '../../admin/metrics.js';
import type { Settings } from '../../config/setting-schemas.js';
import { GrantController } from '../../platforms/kubernetes/grants/grant-controller.js';
import { CodeKeySecret } from '../../platforms/kubernetes/identity/code-key-secret.js';
import type { RedemptionObserver } from '../../platforms/kubernetes/store/grant-accounts.js';
import {
  type KubernetesGrantStore,
  kubernetesStore,
} from '../../platforms/kubernetes/store/kubernetes-store.js';
import { pathPrefixOf } from '../../platforms/standalone/service-address.js';
import { CachedConnections } from '../../redemption/administration/cached-connections.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import { measureStore } from '../../stores/measured-store.js';
import { ConfiguredIdentities } from '../identities/configured-identities.js';
import { LISTENER_DRAIN_MS } from '../listener/listener-limits.js';
import { assertListening, createPublicListener } from '../listener/public-listener.js';
import { sweepCodeKeys } from '../open-code-keys.js';
import {
  atMostEvery,
  createStoreMetrics,
  listen,
  periodicRetention,
  readinessCheck,
  startPeriodic,
  sweepSealedAnswers,
} from '../operations.js';
import type { RunningService, RuntimeContext } from '../runtime.js';
import { KubernetesPublication } from './kubernetes-publication.js';
import { clusterReadiness, leadLog, logClusterFailure, openReplica } from './open-replica.js';

// Clients give up after 10 s. Without this limit, time limits of several requests to the API server would add up. It is longer than
// that of the store for recording a redemption, so that a recorded one gets its response.
const RESPONSE_TIMEOUT_MS = 8_000;
const PUBLICATION_MS = 10_000;
const IDENTITY_CHECK_MS = 10_000;
const SWEEP_MS = 30_000;
const RETENTION_MS = 3_600_000;

/** Starts the redemption service of a cluster, and resolves once it accepts requests. Rejects with ClusterConfigError. */
export async function startKubernetesService(
  settings: Settings,
  context: RuntimeContext,
): Promise<RunningService> {
  const replica = await openReplica(settings);
  try {
    return await serveCluster({ settings, context, ...replica });
  } catch (error) {
    replica.client.close();
    throw error;
  }
}

interface ServiceParts extends Awaited<ReturnType<typeof openReplica>> {
  readonly settings: Settings;
  readonly context: RuntimeContext;
}

async function serveCluster(parts: ServiceParts): Promise<RunningService> {
  const { settings, context, client } = parts;
  const metrics = createMetrics();
  const publication = new KubernetesPublication({ ...parts, metrics });
  const credentials = await publication.start();
  const controller = openController(parts, publication, () => cluster.redemptionObserver);
  const cluster: KubernetesGrantStore = openClusterStore(parts, controller);
  const store = measureStore(withRedeemedEvents(cluster, controller), metrics);
  const { clock } = context;
  const codeKeys = new CodeKeySecret({ client, namespace: parts.ownNamespace, clock, mayCreate: true });
  // Creates the first key, because commands that sign tokens use only existing keys.
  await codeKeys.current();
  const origin = () => new URL(publication.responseEndpoint().url).origin;
  const identities = await ConfiguredIdentities.open(settings, { ...context, origin, metrics });
  const platform = {
    store,
    site: controller.site,
    service: () => publication.responseEndpoint(),
    codeKeys,
    identities,
    pathPrefix: pathPrefixOf(settings),
    prepareLookup: (uid: string) => cluster.prepareLookup(uid),
    responseTimeoutMs: RESPONSE_TIMEOUT_MS,
  };
  const listener = createPublicListener({ settings, credentials, platform, context, metrics });
  const listening = await listen(listener.server, settings.listen);
  addLeadingMetric(metrics.registry, () => controller.isLeading);
  controller.start();
  publication.follow(listener, controller);
  // AccessGrants are user resources, so retention never deletes them.
  const retention = periodicRetention(store, { grantMs: 0, ledgerMs: settings.ledgerRetention }, context);
  // The leader does the work for the whole cluster.
  const ifLeading = (operation: () => unknown) => () => controller.isLeading && operation();
  const stopPeriodic = startPeriodic([
    [PUBLICATION_MS, () => publication.runOnce()],
    [IDENTITY_CHECK_MS, () => identities?.refresh()],
    [SWEEP_MS, ifLeading(() => sweepSealedAnswers(store, context))],
    // Not every hour since the start: a replica may be restarted, or lead, for less than that.
    [SWEEP_MS, ifLeading(atMostEvery(RETENTION_MS, () => retention.runOnce()))],
    [SWEEP_MS, ifLeading(atMostEvery(RETENTION_MS, () => sweepCodeKeys(store, codeKeys, context)))],
  ]);
  const readiness = [
    clusterReadiness(controller),
    { name: 'store', ready: () => store.probe() },
    { name: 'listener', ready: async () => assertListening(listener) },
  ];
  const certificateTimes = () => publication.times();
  return {
    description: publication.description(),
    listening,
    adminListening: undefined,
    metrics,
    // Count the grants in the watch cache: collectors scrape every replica, and a scrape must not list all AccessGrants.
    storeMetrics: createStoreMetrics({
      store: { ...store, countGrants: async (now) => controller.countGrants(now) },
      clock,
      connections: new CachedConnections(async () => controller.connectedPeers(), clock),
      checkReadiness: readinessCheck(readiness, certificateTimes, clock),
      // The status of each grant describes the service.
      readService: async () => undefined,
    }),
    certificateTimes,
    readiness,
    reloadIdentity: () => publication.runOnce(),
    async close() {
      stopPeriodic();
      retention.stop();
      publication.close();
      await listener.drain(LISTENER_DRAIN_MS);
      await controller.stop();
      await store.close();
      client.close();
    },
  };
}

function openController(
  { settings, context, client, ownNamespace, identity }: ServiceParts,
  publication: KubernetesPublication,
  redemptionObserver: () => RedemptionObserver,
) {
  const { clock, logger } = context;
  return new GrantController({
    client,
    namespace: settings.namespace,
    ownNamespace,
    identity,
    serviceEndpoint: () => publication.publishedEndpoint(),
    clock,
    redemptionObserver,
    wait: (ms, signal) => sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {}),
    onTakeover: (key, url) =>
      logger.warn(
        { event: 'grant_taken_over', accessGrant: key, url },
        'another controller repeatedly rewrites the status of an AccessGrant, so linkgrant stops writing it',
      ),
    onLeadingChange: leadLog(logger, identity),
    onFailure: (what, error) => logClusterFailure(logger, what, error),
  });
}

function openClusterStore(
  { settings, context, client, ownNamespace }: ServiceParts,
  controller: GrantController,
) {
  return kubernetesStore(client, {
    serviceNamespace: ownNamespace,
    namespace: settings.namespace,
    clock: context.clock,
    checkpoint: context.checkpoint,
    indexes: {
      locator: controller.grants,
      redemptions: controller.redemptions,
      watch: controller.storeWatch(),
    },
  });
}

/** The store, with an Event on the AccessGrant for each redemption. */
function withRedeemedEvents(store: KubernetesGrantStore, controller: GrantController): GrantStore {
  return {
    ...store,
    async recordRedemption(uid, redemption, now, rules) {
      const outcome = await store.recordRedemption(uid, redemption, now, rules);
      if (outcome === 'recorded') controller.recordRedeemed(redemption);
      return outcome;
    },
  };
}
