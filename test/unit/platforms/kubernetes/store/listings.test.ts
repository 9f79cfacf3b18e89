import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Redemption } from '../../../../../src/domain/redemption.js';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import {
  ACCESS_GRANTS,
  CONFIG_MAPS,
  EVENTS,
  REDEMPTIONS,
} from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Selection } from '../../../../../src/platforms/kubernetes/api/list-page.js';
import type {
  Resource,
  ResourceKey,
  ResourceKind,
} from '../../../../../src/platforms/kubernetes/api/resource.js';
import { MAX_WAITING_CALLERS } from '../../../../../src/platforms/kubernetes/controller/shared-lookup.js';
import { kubernetesStore } from '../../../../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  RedemptionIndex,
  readRedemptionLocation,
} from '../../../../../src/platforms/kubernetes/store/redemption-index.js';
import {
  GRANT_UID,
  type RedemptionResource,
  redemptionResource,
} from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import type { AdministrationDependencies } from '../../../../../src/redemption/administration/dependencies.js';
import { redemptionOperations } from '../../../../../src/redemption/administration/redemption-operations.js';
import type { ListedEntry } from '../../../../../src/redemption/ports/ledger-store.js';
import type { Page } from '../../../../../src/redemption/ports/page.js';
import { NOW, sampleRedemption } from '../../../../support/store-samples.js';

const UID = randomUUID();

/** Adds the metadata that the API server sets. */
function stored<T extends Resource>(resource: T, version = 1) {
  const metadata = { uid: `uid of ${resource.metadata.name}`, resourceVersion: String(version) };
  return {
    ...resource,
    metadata: { ...metadata, creationTimestamp: '2026-01-01T00:00:00Z', ...resource.metadata },
  };
}

function redemptionIn(namespace: string, slot: number, changes: Partial<Redemption> = {}) {
  const redemption = sampleRedemption(UID, { namespace, subject: `of ${namespace}`, ...changes });
  return stored(redemptionResource(redemption, 'g', slot, undefined));
}

/** The Event of an attempt to redeem the grant; `changes` replace fields of the attempt. */
function attemptIn(namespace: string, changes: object = {}) {
  const attempt = { code: 'forbidden', name: 'a', subject: `of ${namespace}`, peer: '192.0.2.1' };
  const text = JSON.stringify({ ...attempt, firstAt: NOW, lastAt: NOW, redemptionId: null, ...changes });
  const metadata = { name: `in-${namespace}`, namespace, labels: { [GRANT_UID]: UID } };
  const annotated = { ...metadata, annotations: { 'linkgrant.dev/attempt': text } };
  return stored({ apiVersion: 'v1', kind: 'Event', metadata: annotated, count: 1 } as Resource);
}

/** A client of a cluster with a grant in namespace `west`. It finds and lists `objects`, and ignores label selectors. */
function clientOf(
  objects: ReadonlyMap<ResourceKind, readonly Resource[]>,
  onList = (_kind: ResourceKind) => {},
) {
  const grant = { apiVersion: 'skupper.io/v2alpha1', kind: 'AccessGrant', spec: {}, status: {} };
  const all = new Map<ResourceKind, readonly Resource[]>([
    [ACCESS_GRANTS, [stored({ ...grant, metadata: { name: 'g', namespace: 'west', uid: UID } } as Resource)]],
    [CONFIG_MAPS, []],
    [REDEMPTIONS, []],
    [EVENTS, []],
    ...objects,
  ]);
  const list = async (kind: ResourceKind, { namespace }: Selection = {}) => {
    const items = all
      .get(kind)
      ?.filter(({ metadata }) => (namespace ?? metadata.namespace) === metadata.namespace);
    onList(kind);
    return { items, resourceVersion: '1', next: undefined };
  };
  const find = async (kind: ResourceKind, key: ResourceKey) =>
    all
      .get(kind)
      ?.find(({ metadata: { namespace, name } }) => namespace === key.namespace && name === key.name);
  return { list, listAll: list, find } as unknown as KubernetesClient;
}

/** The indexes of a controller that knows the namespace and the name of every grant. */
function indexesWith(redemptions: RedemptionIndex) {
  const watch = { ready: async () => {}, isRunning: true, grants: () => [], grantChanges: 0 };
  return { redemptions, watch, locator: { locate: async () => ({ namespace: 'west', name: 'g' }) } };
}

const OPTIONS = { serviceNamespace: 'linkgrant', clock: () => NOW };

describe('the listings of all namespaces', () => {
  const objects = new Map<ResourceKind, readonly Resource[]>([
    [REDEMPTIONS, [redemptionIn('west', 0, { jti: 'a' }), redemptionIn('east', 7, { jti: 'a' })]],
    [EVENTS, [attemptIn('west'), attemptIn('east')]],
  ]);
  const store = kubernetesStore(clientOf(objects), OPTIONS);

  it('contain no Redemption of another namespace than that of its grant', async () => {
    const { items } = await store.listRedemptions({ limit: 10 });
    expect(items.map(({ subject }) => subject)).toEqual(['of west']);
    const ledger = await store.listLedger({ limit: 10, kind: 'redeemed' });
    expect(ledger.items.map(({ detail }) => detail.subject)).toEqual(['of west']);
    expect((await store.listCodes({ limit: 10 })).items).toMatchObject([{ jti: 'a', used: 1 }]);
  });

  it('do not parse the policies of Redemptions, which may have thousands of entries', async () => {
    const { spec, ...resource } = redemptionIn('west', 0);
    const parsed: string[] = [];
    const policy = new Proxy(spec.policy, {
      ownKeys: (target) => {
        parsed.push(spec.id);
        return Reflect.ownKeys(target);
      },
    });
    const client = clientOf(
      new Map([[REDEMPTIONS, [{ ...resource, spec: { ...spec, policy } } as Resource]]]),
    );
    const store = kubernetesStore(client, OPTIONS);
    const { items } = await store.listRedemptions({ limit: 10 });
    expect(items).toHaveLength(1);
    expect((await store.listLedger({ limit: 10 })).items).toHaveLength(1);
    expect(parsed).toEqual([]);
  });

  it('count each use of a signed code once, also if the list of Redemptions expires and is read again', async () => {
    const pages = [redemptionIn('west', 0, { jti: 'a' }), redemptionIn('west', 1, { jti: 'a' })];
    let hasExpired = false;
    const client = clientOf(new Map());
    const list = async (kind: ResourceKind, selection: Selection, { after }: { after?: string } = {}) => {
      if (kind !== REDEMPTIONS) return client.list(kind, selection);
      if (after === undefined) return { items: [pages[0]], resourceVersion: '1', next: 'second' };
      if (hasExpired) return { items: [pages[1]], resourceVersion: '1', next: undefined };
      hasExpired = true;
      throw new ApiError('list Redemptions', { reason: 'gone', status: 410 });
    };
    const store = kubernetesStore({ ...client, list } as unknown as KubernetesClient, OPTIONS);
    expect((await store.listCodes({ limit: 10 })).items).toMatchObject([{ jti: 'a', used: 2 }]);
    expect(hasExpired).toBe(true);
  });

  it('contain no Event of another namespace than that of its grant', async () => {
    for (const grantUid of [undefined, UID]) {
      const { items } = await store.listLedger({ limit: 10, kind: 'refused', grantUid });
      expect(items.map(({ detail }) => detail.subject)).toEqual(['of west']);
    }
    const indexes = indexesWith(new RedemptionIndex());
    const watching = kubernetesStore(clientOf(objects), { ...OPTIONS, indexes });
    expect((await watching.countRefusals(0)).byCode).toMatchObject([{ count: 1 }]);
  });

  it.each([
    ['a time that is not a date', { lastAt: 1e300 }],
    ['a time with a fraction', { lastAt: NOW + 0.5 }],
    ['a redemption id that is not a text', { redemptionId: {} }],
  ])('contain no Event with %s, which a user wrote', async (_what, changes) => {
    const client = clientOf(new Map([[EVENTS, [attemptIn('west', changes)]]]));
    expect((await kubernetesStore(client, OPTIONS).listLedger({ limit: 10 })).items).toEqual([]);
  });
});

it('the ledger has short cursors, also if a tenant wrote long texts, and pages through all entries', async () => {
  const long = { name: '"'.repeat(253), subject: '"'.repeat(5_000), peer: '"'.repeat(256) };
  const redemptions = [0, 1, 2].map((slot) => redemptionIn('west', slot, long));
  const store = kubernetesStore(clientOf(new Map([[REDEMPTIONS, redemptions]])), OPTIONS);
  const ids: unknown[] = [];
  let after: string | undefined;
  do {
    const page: Page<ListedEntry> = await store.listLedger({ limit: 1, after });
    ids.push(...page.items.map(({ redemptionId }) => redemptionId));
    after = page.next;
    expect(after?.length ?? 0).toBeLessThan(200);
  } while (after !== undefined);
  expect(ids.sort()).toEqual(redemptions.map(({ spec }) => spec.id).sort());
});

describe('a Redemption whose AccessGrant was deleted', () => {
  it('is shown, updated and listed with the name of its grant', async () => {
    const redemption = redemptionIn('west', 0);
    const client = clientOf(
      new Map<ResourceKind, readonly Resource[]>([
        [ACCESS_GRANTS, []],
        [REDEMPTIONS, [redemption]],
        [EVENTS, []],
      ]),
    );
    const store = kubernetesStore({ ...client, patch: async () => redemption } as KubernetesClient, OPTIONS);
    const operations = redemptionOperations({
      store,
      clock: OPTIONS.clock,
    } as unknown as AdministrationDependencies);
    const { id } = redemption.spec;
    expect(await operations.showRedemption(id)).toMatchObject({ id, grant: 'g' });
    expect(await operations.updateRedemption(id, { note: 'a' })).toMatchObject({ id, grant: 'g' });
    expect((await operations.listRedemptions({ limit: 10 })).items).toMatchObject([{ id, grant: 'g' }]);
  });
});

it('the ledger of one grant has its revocation, and is read without a listing of all grants', async () => {
  const listed: ResourceKind[] = [];
  const annotations = { 'linkgrant.dev/revoked': '2026-01-02T00:00:00Z' };
  const metadata = { name: 'g', namespace: 'west', uid: UID, annotations };
  const grant = stored({ apiVersion: 'skupper.io/v2alpha1', kind: 'AccessGrant', metadata, spec: {} });
  const objects = new Map<ResourceKind, readonly Resource[]>([
    [ACCESS_GRANTS, [grant]],
    [REDEMPTIONS, [redemptionIn('west', 0)]],
  ]);
  const client = {
    ...clientOf(objects, (kind) => listed.push(kind)),
    find: async (kind: ResourceKind) => (kind === ACCESS_GRANTS ? grant : undefined),
  } as KubernetesClient;
  const store = kubernetesStore(client, { ...OPTIONS, indexes: indexesWith(new RedemptionIndex()) });
  const { items } = await store.listLedger({ limit: 10, grantUid: UID });
  expect(items.map(({ kind }) => kind).sort()).toEqual(['grant_revoked', 'redeemed']);
  expect(listed).toEqual([EVENTS, REDEMPTIONS]);
});

describe('lookups of invented redemption ids in a service', () => {
  const invented = Array.from({ length: 60 }, () => randomUUID());

  it('share listings, and do not list again for an id that was absent', async () => {
    const present = redemptionIn('west', 0);
    const listed: ResourceKind[] = [];
    const client = clientOf(new Map([[REDEMPTIONS, [present]]]), (kind) => listed.push(kind));
    const store = kubernetesStore(client, { ...OPTIONS, indexes: indexesWith(new RedemptionIndex()) });
    const lookUp = (ids: readonly string[]) => Promise.all(ids.map((id) => store.findRenewedRedemption(id)));
    const [redemption, absent] = await Promise.all([store.findRedemption(present.spec.id), lookUp(invented)]);
    expect(redemption?.id).toBe(present.spec.id);
    expect(absent.filter(Boolean)).toEqual([]);
    await lookUp(invented);
    expect(listed).toEqual([REDEMPTIONS, REDEMPTIONS]);
  });

  it('are refused as overloaded if too many wait', async () => {
    const client = clientOf(new Map([[REDEMPTIONS, []]]));
    const store = kubernetesStore(client, { ...OPTIONS, indexes: indexesWith(new RedemptionIndex()) });
    const ids = Array.from({ length: MAX_WAITING_CALLERS + 1 }, () => randomUUID());
    const outcomes = await Promise.allSettled(ids.map((id) => store.findRenewedRedemption(id)));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toMatchObject([{ code: 'overloaded' }]);
  });
});

describe('a listing of Redemptions', () => {
  it('does not undo a change that the watch reported meanwhile', async () => {
    const before = redemptionIn('west', 0);
    const { id } = before.spec;
    const index = new RedemptionIndex();
    index.put(readRedemptionLocation(before));
    const revoked = { ...before, spec: { ...before.spec, revoked: true } } as RedemptionResource;
    const listing = clientOf(new Map([[REDEMPTIONS, [before]]]), () =>
      index.put(readRedemptionLocation(stored(revoked, 2))),
    );
    const client = { ...listing, find: async () => undefined } as KubernetesClient;
    const store = kubernetesStore(client, { ...OPTIONS, indexes: indexesWith(index) });
    await store.listRedemptions({ limit: 10 });
    expect(index.find(id)?.link?.revokedAt).not.toBeNull();
    // The Redemption is not found by its name, so it is listed.
    await store.findRedemption(id);
    expect(index.find(id)?.link?.revokedAt).not.toBeNull();
  });
});
