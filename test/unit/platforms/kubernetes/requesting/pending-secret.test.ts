import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import type { KubernetesClient } from '../../../../../src/platforms/kubernetes/api/client.js';
import { SECRETS } from '../../../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, ResourceKind } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { secretData } from '../../../../../src/platforms/kubernetes/requesting/namespace-target.js';
import { pendingSecrets } from '../../../../../src/platforms/kubernetes/requesting/pending-secret.js';

const PLACED = {
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/tls',
  metadata: { name: 'to-west', namespace: 'east' },
  data: secretData({ 'ca.crt': 'ca', 'tls.crt': 'crt', 'tls.key': 'the key of the link' }),
};

/**
 * The pending redemption of a namespace. While its Secret is created, a concurrent run puts the link in place, and the next listing
 * of Secrets gets no response.
 */
async function openPending() {
  const cluster: { pending: Resource | undefined; placed: Resource[] } = { pending: undefined, placed: [] };
  let isNextLost = false;
  const client = {
    find: async () => cluster.pending,
    create: async (_kind: ResourceKind, resource: Resource) => {
      const metadata = { ...resource.metadata, uid: 'a-uid', resourceVersion: '1' };
      cluster.pending = { ...resource, metadata };
      cluster.placed = [PLACED];
      isNextLost = true;
      return cluster.pending;
    },
    list: async (kind: ResourceKind) => {
      if (isNextLost) {
        isNextLost = false;
        throw new ApiError('list secrets', { reason: 'unavailable', outcomeUnknown: true });
      }
      return { items: kind === SECRETS ? cluster.placed : [], resourceVersion: '1', next: undefined };
    },
    delete: async () => {
      cluster.pending = undefined;
      return true;
    },
  } as unknown as KubernetesClient;
  const owner = async () => ({ apiVersion: 'skupper.io/v2alpha1', kind: 'Site', name: 'east', uid: 's' });
  const open = pendingSecrets({ client, namespace: 'east', owner }, () => 0);
  return { cluster, pending: await open('a'.repeat(64)) };
}

describe('a pending redemption that a concurrent run has completed, if a listing gets no response', () => {
  it('has the key of the link in place, and leaves no Secret', async () => {
    const { cluster, pending } = await openPending();
    expect(await pending.ensureKey(async () => 'another key')).toBe('the key of the link');
    expect(cluster.pending).toBeUndefined();
  });

  it('begins no posting', async () => {
    const { cluster, pending } = await openPending();
    expect(await pending.beginPosting({ number: 1, at: 0 })).toBe(false);
    expect(cluster.pending).toBeUndefined();
  });
});
