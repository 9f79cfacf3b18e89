import { MANAGED_BY } from '../../../domain/labels.js';
import { SECRETS } from '../kinds.js';
import type { NamespacePlace, SecretResource } from './namespace-place.js';
import { COMPONENT, KEY, PENDING_REDEMPTION, pendingSecretName } from './pending-secret.js';

/** Takes the Secret of pending redemption `id` away, if it holds a key alone: no posting is noted and no answer kept. */
export async function discardUnusedKey(
  { client, namespace }: Pick<NamespacePlace, 'client' | 'namespace'>,
  id: string,
): Promise<void> {
  const key = { namespace, name: pendingSecretName(id) };
  const there = await client.find<SecretResource>(SECRETS, key);
  if (!there || Object.keys(there.data ?? {}).some((name) => name !== KEY)) return;
  const { uid, resourceVersion, labels = {} } = there.metadata;
  if (labels[MANAGED_BY] !== 'linkgrant' || labels[COMPONENT] !== PENDING_REDEMPTION) return;
  await client.delete(SECRETS, key, { uid, resourceVersion });
}
