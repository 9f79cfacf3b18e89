import { GRANT_REVOKED } from '../../src/domain/labels.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { StoredCodeRecord } from '../../src/platforms/kubernetes/store/code-config-maps.js';
import type { GrantAccounts } from '../../src/platforms/kubernetes/store/grant-accounts.js';
import type { RedemptionResource } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { type Invariants, Violation } from './invariants.js';
import { NAMESPACE } from './operations.js';
import { type ClusterReplica, LINKGRANT, openCommandLine, startReplica } from './replica.js';
import { type Change, SimulatedApiServer } from './simulated-api-server.js';
import { SimulatedNetwork } from './simulated-network.js';
import type { Disturbance, SimulatedSystem, StoreProcess, SystemParts } from './simulated-system.js';
import type { SimulatedTime } from './simulated-time.js';

const MAX_PAGE = 4;

/** Replicas of the Kubernetes store and its controller on a simulated API server. */
export class SimulatedCluster implements SimulatedSystem {
  readonly agreement = 'cache';
  readonly commandLine: StoreProcess;
  readonly #time: SimulatedTime;
  readonly #invariants: Invariants;
  readonly #server: SimulatedApiServer;
  readonly #network: SimulatedNetwork;

  constructor({ time, invariants, log }: SystemParts) {
    this.#time = time;
    this.#invariants = invariants;
    this.#server = new SimulatedApiServer({
      namespaces: [NAMESPACE, LINKGRANT],
      clock: time.clock,
      newUid: () => time.uuid(),
      pageSize: () => 1 + Math.floor(MAX_PAGE * time.random()),
    });
    this.#network = new SimulatedNetwork(time, this.#server, log);
    this.commandLine = openCommandLine(this.#network, time);
  }

  start(name: string): ClusterReplica {
    return startReplica(name, this.#network, this.#time);
  }

  observe(): void {
    this.#server.follow((change) => this.#observe(change));
  }

  disturb(action: Disturbance): void {
    if (action.do === 'fault') this.#network.add(action);
    else if (action.do === 'compact') this.#server.compact();
    else if (action.do === 'break watches') this.#network.breakStreams();
    else if (action.do === 'restart API server') this.#network.restartServer(action.ms);
  }

  heal(): void {
    this.#network.heal();
  }

  close(): void {}

  disagreement(replicas: readonly ClusterReplica[]): string | undefined {
    const redemptions = this.#server.all<RedemptionResource>('redemptions');
    const grants = this.#server.all<AccessGrantResource>('accessgrants');
    const links = redemptions.map(
      ({ spec, status }) => `${spec.id} ${spec.revoked} ${status?.renewals?.[0]?.number ?? 0}`,
    );
    const uids = grants.map(({ metadata, spec }) => `${metadata.uid} ${spec?.redemptionsAllowed}`);
    for (const { metadata, status } of grants) {
      const uses = this.#invariants.usesOf(metadata.uid);
      if (status?.redemptions !== uses && uses > 0)
        return `the status of ${metadata.name} does not count ${uses} uses`;
    }
    for (const { name, controller, store } of replicas) {
      const problem = controller.problem();
      if (problem !== undefined) return `${name}: ${problem}`;
      const watched = controller.redemptions
        .links()
        .map(({ id, revokedAt, renewals }) => `${id} ${revokedAt !== null} ${renewals}`);
      if (watched.sort().join() !== links.sort().join())
        return `${name} has the links ${watched}, not ${links}`;
      const located = [...controller.grants.all()].map(
        ({ uid, redemptionsAllowed }) => `${uid} ${redemptionsAllowed}`,
      );
      if (located.sort().join() !== uids.sort().join())
        return `${name} has the grants ${located}, not ${uids}`;
      for (const uid of this.#invariants.grants()) {
        const account = (store.redemptionObserver as GrantAccounts).cachedAccount(uid);
        const uses = this.#invariants.usesOf(uid);
        // Slots are read when they are needed.
        if (account && account.slots.next > uses)
          return `${name} knows ${account.slots.next} of ${uses} slots of ${uid}`;
      }
    }
    return undefined;
  }

  #observe({ type, path, object, before }: Change): void {
    if (path.includes('/redemptions/')) {
      const redemption = object as RedemptionResource;
      if (type === 'ADDED') this.#observeRecord(redemption);
      else this.#observeRecordChange(redemption, before as RedemptionResource);
    } else if (path.includes('/accessgrants/')) this.#observeGrant(type, object as AccessGrantResource);
    else if (path.includes('/linkgrant-codes-')) this.#observeCodes(object.data as Record<string, string>);
  }

  #observeRecord({ spec, metadata }: RedemptionResource): void {
    const { grantUid: uid, id, peer, replayKey, code, certificate, createdAt } = spec;
    const { serial } = certificate;
    if (metadata.name !== `${uid}-${this.#invariants.usesOf(uid)}`)
      throw new Violation('count', `${metadata.name} does not follow the slots before it`);
    const record = { id, uid, peer, jti: code?.jti, replayKey, serial, at: Date.parse(createdAt) };
    this.#invariants.observeRecord(record);
  }

  #observeRecordChange({ spec, status }: RedemptionResource, before: RedemptionResource): void {
    const newest = status?.renewals?.[0]?.certificate.serial;
    if (newest !== undefined && newest !== before.status?.renewals?.[0]?.certificate.serial)
      this.#invariants.observeRenewal(spec.id, newest);
    this.#invariants.observeRevocation(spec.id, spec.revoked);
  }

  #observeGrant(type: Change['type'], { metadata, spec, status }: AccessGrantResource): void {
    const { uid = '' } = metadata;
    if (type === 'DELETED' || metadata.annotations?.[GRANT_REVOKED] !== undefined)
      this.#invariants.observeEnd(uid, type === 'DELETED');
    this.#invariants.observeLimit(uid, spec?.redemptionsAllowed ?? 1);
    const { redemptions = 0 } = status ?? {};
    const uses = this.#invariants.usesOf(uid);
    if (redemptions > uses)
      throw new Violation('count', `the status of ${uid} counts ${redemptions} uses, ${uses} are recorded`);
  }

  #observeCodes(data: Readonly<Record<string, string>>): void {
    for (const text of Object.values(data)) {
      const { grantUid, jti, revokedAt } = JSON.parse(text) as StoredCodeRecord;
      if (revokedAt !== null) this.#invariants.observeCodeRevocation(grantUid, jti);
    }
  }
}
