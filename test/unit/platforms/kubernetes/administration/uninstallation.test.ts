import { expect, it } from 'vitest';
import { uninstallation } from '../../../../../src/platforms/kubernetes/administration/uninstallation.js';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';

it('does not report a service as stopped if the user may not read its Lease', async () => {
  const find = async () => {
    throw new ApiError('get the Lease linkgrant/linkgrant-grants', { reason: 'forbidden', status: 403 });
  };
  const { findRunning } = uninstallation({ find } as unknown as KubernetesClient, {
    namespace: undefined,
    serviceNamespace: 'linkgrant',
    withCrd: false,
    clock: () => 0,
  });
  await expect(findRunning()).rejects.toMatchObject({
    code: 'role_insufficient',
    message: expect.stringContaining('get the Lease linkgrant/linkgrant-grants'),
  });
});
