import { expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import type { Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  type RedemptionResource,
  redemptionResource,
} from '../../../../../src/platforms/kubernetes/store/redemption-resource.js';
import { revokeResource } from '../../../../../src/platforms/kubernetes/store/stored-redemptions.js';
import { MINUTE, NOW, sampleRedemption } from '../../../../support/store-samples.js';

it('a repeated revocation erases the sealed answer if the first one revoked the redemption but failed to erase the answer', async () => {
  const sealedUntil = NOW + 2 * MINUTE;
  const redemption = sampleRedemption('a-grant', { sealedUntil });
  const created = redemptionResource(redemption, 'g', 0, undefined);
  let resource = {
    ...created,
    metadata: { ...created.metadata, uid: 'a', resourceVersion: '1' },
  } as Stored<RedemptionResource>;
  const client = {
    find: async () => resource,
    patch: async (_kind: unknown, _key: unknown, { spec }: Pick<RedemptionResource, 'spec'>) => {
      resource = { ...resource, spec: { ...resource.spec, ...spec } };
      return resource;
    },
  } as unknown as KubernetesClient;
  const erased: unknown[] = [];
  const failures = [new ApiError('patch secrets', { reason: 'unavailable' })];
  const sealed = {
    erase: async ({ id }: { readonly id: string }) => {
      const failure = failures.pop();
      if (failure) throw failure;
      erased.push(id);
    },
  } as unknown as Parameters<typeof revokeResource>[0]['sealed'];
  const parts = { client, sealed, readUser: async () => undefined };
  const revoke = () => revokeResource(parts, resource.metadata, NOW);
  await expect(revoke()).rejects.toMatchObject({ reason: 'unavailable' });
  expect(resource.spec.revoked).toBe(true);
  expect(await revoke()).toBe(false);
  expect(erased).toEqual([redemption.id]);
});
