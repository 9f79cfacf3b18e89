import { expect, it, vi } from 'vitest';
import { uninstallation } from '../../../../../src/platforms/kubernetes/administration/uninstallation.js';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { SECRETS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';

const OPTIONS = { namespace: undefined, serviceNamespace: 'linkgrant', withCrd: false, clock: () => 0 };

it('does not report a service as stopped if the user may not read its Lease', async () => {
  const find = async () => {
    throw new ApiError('get the Lease linkgrant/linkgrant-grants', { reason: 'forbidden', status: 403 });
  };
  const { findRunning } = uninstallation({ find } as unknown as KubernetesClient, OPTIONS);
  await expect(findRunning()).rejects.toMatchObject({
    code: 'role_insufficient',
    message: expect.stringContaining('get the Lease linkgrant/linkgrant-grants'),
  });
});

it('repeats a list request and a deletion that the API server refuses with status 429', async () => {
  const busy = new ApiError('a request', { reason: 'unavailable', status: 429 });
  const metadata = { namespace: 'linkgrant', name: 'linkgrant-server' };
  const listAll = vi
    .fn(async (kind: ResourceKind) => ({ items: kind === SECRETS ? [{ metadata }] : [] }))
    .mockRejectedValueOnce(busy);
  const remove = vi.fn(async () => true).mockRejectedValueOnce(busy);
  const client = { listAll, delete: remove } as unknown as KubernetesClient;
  const { own } = await uninstallation(client, OPTIONS).remove();
  expect(own).toEqual([{ kind: 'secret', ...metadata }]);
  expect(remove.mock.calls).toEqual([
    [SECRETS, metadata],
    [SECRETS, metadata],
  ]);
});
