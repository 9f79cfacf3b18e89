import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { ACCESS_TOKENS, LEASES, SITES } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  TokenController,
  type TokenControllerOptions,
} from '../../../../../src/platforms/kubernetes/tokens/token-controller.js';
import { until } from '../../../../support/until.js';

/** A client of a cluster with one AccessToken, which cannot list the Sites. Its requests are recorded. */
function clientWithoutSites() {
  const requests: string[] = [];
  const metadata = { name: 'a', namespace: 'west', uid: 'a-uid', resourceVersion: '1' };
  const client = {
    async find({ plural }: ResourceKind) {
      requests.push(`get ${plural}`);
      return undefined;
    },
    create: async (_kind: ResourceKind, lease: Resource) => ({ ...lease, metadata }),
    async list({ plural }: ResourceKind) {
      requests.push(`list ${plural}`);
      if (plural === SITES.plural) throw new ApiError('list sites', { reason: 'unavailable' });
      return { items: [{ metadata, spec: {} }], resourceVersion: '1', next: undefined };
    },
    async *watch(_kind: ResourceKind, _selection: unknown, signal: AbortSignal) {
      yield await once(signal, 'abort').then(() => Promise.reject(signal.reason));
    },
  };
  return { client, requests };
}

it('a controller that stops before it has listed the Sites processes no token', async () => {
  const { client, requests } = clientWithoutSites();
  const controller = new TokenController({
    client,
    ownNamespace: 'linkgrant',
    identity: 'one',
    clock: Date.now,
    wait: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    onLeadingChange: () => undefined,
    onFailure: () => undefined,
    onAttemptFailed: () => undefined,
  } as unknown as TokenControllerOptions);
  controller.start();
  await until(() => controller.isLeading && [...controller.tokens.all()].length === 1);
  await controller.stop();
  expect(requests).toContain(`list ${SITES.plural}`);
  expect(requests).toContain(`get ${LEASES.plural}`);
  expect(requests).not.toContain(`get ${ACCESS_TOKENS.plural}`);
});
