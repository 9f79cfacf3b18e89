import type { GrantStore } from '../../../redemption/ports/grant-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { CodeConfigMaps } from './code-config-maps.js';
import { SettingsConfigMap } from './settings.js';
import type { StoreParts } from './store-parts.js';

/**
 * What the service keeps in its own namespace, for somebody who may not be let there: sealed answers are left alone, and are
 * erased by the service in time; of signed codes only those are known that the Redemptions tell of, and no setting.
 */
export function leftToTheService(
  client: KubernetesClient,
  serviceNamespace: string,
): Pick<StoreParts, 'codes' | 'sealed'> & { readonly getSetting: GrantStore['getSetting'] } {
  const settings = new SettingsConfigMap(client, serviceNamespace);
  const codes = new CodeConfigMaps(client, serviceNamespace);
  return {
    getSetting: (key) => unlessForbidden(settings.get(key), undefined),
    codes: {
      find: (grantUid, jti) => unlessForbidden(codes.find(grantUid, jti), undefined),
      list: (grantUid) => unlessForbidden(codes.list(grantUid), []),
      note: (grantUid, jti, change) => codes.note(grantUid, jti, change),
      forget: (grantUid) => codes.forget(grantUid),
    },
    sealed: {
      keep: () => Promise.reject(new Error('answers are sealed by the service alone')),
      forget: async () => undefined,
      joined: async (redemption) => ({ ...redemption, sealedUntil: null }),
      erase: async () => 0,
    },
  };
}

async function unlessForbidden<T, U>(read: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await read;
  } catch (error) {
    if (isApiError(error, 'forbidden')) return otherwise;
    throw error;
  }
}
