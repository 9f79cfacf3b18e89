import { expect, it } from 'vitest';
import { GRANT_REQUEST, GRANT_REVOKED } from '../../../../../src/domain/labels.js';
import { makeGrant } from '../../../../../src/platforms/kubernetes/administration/make-grant.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantStatus } from '../../../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { NOW } from '../../../../support/store-samples.js';

const WANTED = {
  ...{ namespace: 'west', name: 'g', redemptionsAllowed: 1, expirationWindowMs: 900_000 },
  ...{ issuer: null, policy: {}, labels: {}, note: null },
};
const TOKEN_FIELDS = { url: 'https://grants.example.com:9090/a-uid', code: 'a-code', ca: 'a CA' };
const expiry = (time: number) => new Date(time).toISOString();

/** Repeats the request that created a grant with this status. Fails if it waits for a change of the grant. */
function repeatCreation(status: AccessGrantStatus, annotations: Record<string, string> = {}) {
  const grant = {
    metadata: { ...WANTED, uid: 'a-uid', annotations: { [GRANT_REQUEST]: 'a-request', ...annotations } },
    spec: { redemptionsAllowed: 1 },
    status,
  };
  const client = {
    find: async (kind: ResourceKind) => (kind === ACCESS_GRANTS ? grant : undefined),
  } as unknown as KubernetesClient;
  const patience = {
    timeoutMs: 60_000,
    shutdownSignal: () => new Promise<void>(() => undefined),
    wait: async () => {
      throw new Error('the call waited');
    },
    monotonicMs: () => 0,
  };
  return makeGrant(WANTED, undefined, {
    ...{ client, patience, serviceNamespace: 'linkgrant', request: 'a-request', now: () => NOW },
  });
}

it.each([
  ['expired', { expirationTime: expiry(NOW - 1_000) }, {}],
  ['been exhausted', { expirationTime: expiry(NOW + 60_000), redemptions: 1 }, {}],
  ['been revoked', { expirationTime: expiry(NOW + 60_000) }, { [GRANT_REVOKED]: expiry(NOW) }],
])(
  'a repeated creation returns the grant of the first one, although it has %s since',
  async (_, fields, annotations) => {
    const status = { ...TOKEN_FIELDS, ...fields };
    expect(await repeatCreation(status, annotations)).toMatchObject({ metadata: { uid: 'a-uid' }, status });
  },
);

it('a repeated creation is refused if the grant was revoked before it was Ready', async () => {
  await expect(repeatCreation({}, { [GRANT_REVOKED]: expiry(NOW) })).rejects.toMatchObject({
    code: 'grant_state',
    message: 'grant "g" was revoked before it was Ready',
  });
});
