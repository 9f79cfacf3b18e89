import { expect, it } from 'vitest';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { userReader } from '../../../../../src/platforms/kubernetes/store/revoked-by.js';

it('the user of a command is unknown while the API server does not respond, and is then read once', async () => {
  let requests = 0;
  const create = async () => {
    requests += 1;
    if (requests === 1) throw new Error('503');
    return { status: { userInfo: { username: 'ada' } } };
  };
  const readUser = userReader({ create } as unknown as KubernetesClient);
  expect(await readUser()).toBeUndefined();
  expect(await readUser()).toBe('ada');
  expect(await readUser()).toBe('ada');
  expect(requests).toBe(2);
});
