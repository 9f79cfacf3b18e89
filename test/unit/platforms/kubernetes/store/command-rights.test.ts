import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type {
  Resource,
  ResourceKey,
  ResourceKind,
} from '../../../../../src/platforms/kubernetes/api/resource.js';
import { kubernetesStore } from '../../../../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  redemptionResource,
  slotName,
} from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import type { AdministrationDependencies } from '../../../../../src/redemption/administration/dependencies.js';
import { grantOperations } from '../../../../../src/redemption/administration/grant-operations.js';
import { redemptionOperations } from '../../../../../src/redemption/administration/redemption-operations.js';
import { tokenOperations } from '../../../../../src/redemption/administration/tokens.js';
import { NOW, sampleRedemption } from '../../../../support/store-samples.js';

const UID = randomUUID();
const KEY = { namespace: 'west', name: 'g' };
const TIMES = { resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const GRANT = {
  apiVersion: 'skupper.io/v2alpha1',
  kind: 'AccessGrant',
  metadata: { ...KEY, ...TIMES, uid: UID },
  spec: {},
};

// After reading this many slots one by one, a command lists them.
const SLOTS = Array.from({ length: 3 }, (_, slot) => slotName(UID, slot));

/** The commands of a user on a cluster with a grant and its redemptions, and the requests for redemptions and writes of grants. */
function commandsOf({ mayListRedemptions = true } = {}) {
  const redemption = redemptionResource(
    sampleRedemption(UID, { namespace: 'west', notAfter: NOW + 9_999_999 }),
    'g',
    0,
    undefined,
  );
  const metadata = { ...redemption.metadata, ...TIMES, uid: 'r' };
  const objects = new Map<ResourceKind, Resource>([
    [ACCESS_GRANTS, GRANT as Resource],
    [REDEMPTIONS, { ...redemption, metadata }],
  ]);
  const requests: string[] = [];
  const list = async (kind: ResourceKind) => {
    if (kind === REDEMPTIONS) requests.push('list redemptions');
    if (kind === REDEMPTIONS && !mayListRedemptions)
      throw new ApiError('list redemptions', { reason: 'forbidden', status: 403 });
    return { items: [objects.get(kind)].filter(Boolean), resourceVersion: '1', next: undefined };
  };
  const client = {
    list,
    listAll: list,
    async find(kind: ResourceKind, { name }: ResourceKey) {
      if (kind !== REDEMPTIONS) return name === KEY.name ? objects.get(kind) : undefined;
      requests.push('get redemptions');
      return SLOTS.includes(name) ? { ...redemption, metadata: { ...metadata, name } } : undefined;
    },
    async patch({ plural }: ResourceKind) {
      requests.push(`patch ${plural}`);
    },
    create: async () => ({ status: { userInfo: { username: 'ada' } } }),
  } as unknown as KubernetesClient;
  const clock = () => NOW;
  const store = kubernetesStore(client, { serviceNamespace: 'linkgrant', clock, isService: false });
  const deps = { store, clock, readService: async () => undefined } as unknown as AdministrationDependencies;
  return {
    id: redemption.spec.id,
    requests,
    ...grantOperations(deps),
    ...redemptionOperations(deps),
    ...tokenOperations(deps),
  };
}

type Commands = ReturnType<typeof commandsOf>;

// docs/reference/cli.md lists these rights.
it.each<[string, readonly string[], (commands: Commands) => Promise<unknown>]>([
  ['grant show', ['get', 'list'], ({ showGrant }) => showGrant(UID)],
  ['grant revoke', ['list'], ({ revokeGrant }) => revokeGrant(UID, false)],
  ['grant revoke --cascade', ['get', 'list', 'patch'], ({ revokeGrant }) => revokeGrant(UID, true)],
  ['token list', ['get', 'list'], ({ listTokens }) => listTokens({ limit: 9, grantUid: UID })],
  ['token revoke', ['get', 'list'], ({ revokeToken }) => revokeToken(UID, 'AAAAAAAAAAAAAAAAAAAAAA')],
  ['redemption list', ['list'], ({ listRedemptions }) => listRedemptions({ limit: 9 })],
  ['redemption show', ['get', 'list'], ({ showRedemption, id }) => showRedemption(id)],
  [
    'redemption update',
    ['get', 'list', 'patch'],
    ({ updateRedemption, id }) => updateRedemption(id, { note: 'a' }),
  ],
  [
    'redemption revoke',
    ['get', 'list', 'patch'],
    ({ revokeRedemption, id }) => revokeRedemption(id, 'keep-token'),
  ],
])('%s needs the rights %j for redemptions', async (_command, verbs, run) => {
  const commands = commandsOf();
  await run(commands);
  const used = commands.requests.flatMap((request) => /^(\w+) redemptions$/.exec(request)?.[1] ?? []);
  expect([...new Set(used)].sort()).toEqual(verbs);
});

it('grant revoke revokes the grant also for a user who may not list redemptions', async () => {
  const { revokeGrant, requests } = commandsOf({ mayListRedemptions: false });
  await expect(revokeGrant(UID, false)).rejects.toThrow();
  expect(requests).toContain('patch accessgrants');
});
