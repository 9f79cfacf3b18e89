import { MANAGED_BY, SECRET_REDEMPTION_ID } from '../../../domain/labels.js';
import type { OpenPendingRenewal } from '../../../redemption/ports/pending-renewal.js';
import { SECRETS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import {
  type NamespaceTarget,
  ownedResource,
  retryInNamespace,
  type SecretResource,
  secretData,
  secretText,
} from './namespace-target.js';
import { COMPONENT_LABEL } from './pending-secret.js';

/** Value of {@link COMPONENT_LABEL} on the Secret with the key of a pending renewal. */
const PENDING_RENEWAL = 'pending-renewal';
const KEY = 'key.pem';

/**
 * Stores the keys of pending renewals as Secrets `linkgrant-renewal-<redemption id>.<SHA-256 of the old certificate>` that
 * the Site owns.
 */
export function renewalSecrets(target: NamespaceTarget): OpenPendingRenewal {
  const { client, namespace } = target;
  return async (redemptionId, certificateSha256) => {
    const nameOf = (sha256: string) => `linkgrant-renewal-${redemptionId}.${sha256}`;
    const name = nameOf(certificateSha256);
    return {
      ensureKey: (make, isUsable) =>
        retryInNamespace(async () => {
          const stored = await client.find<SecretResource>(SECRETS, { namespace, name });
          const storedPem = secretText(stored, KEY);
          if (storedPem !== undefined && isUsable(storedPem)) return storedPem;
          const keyPem = await make();
          const data = secretData({ [KEY]: keyPem });
          if (stored) {
            await client.replace(SECRETS, { ...stored, data });
            return keyPem;
          }
          const metadata = {
            name,
            namespace,
            labels: { [MANAGED_BY]: 'linkgrant', [COMPONENT_LABEL]: PENDING_RENEWAL },
            annotations: { [SECRET_REDEMPTION_ID]: redemptionId },
          };
          const fields = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data };
          await client.create(SECRETS, ownedResource(fields, await target.owner()));
          return keyPem;
        }),
      deleteOtherKeys: (currentSha256) => deleteRenewalSecrets(target, redemptionId, nameOf(currentSha256)),
    };
  };
}

/** Deletes the Secrets with the keys of a redemption's renewals, except the one named `exceptName`. */
export function deleteRenewalSecrets(
  { client, namespace }: Pick<NamespaceTarget, 'client' | 'namespace'>,
  redemptionId: string,
  exceptName?: string,
): Promise<void> {
  return retryInNamespace(async () => {
    const labelSelector = `${MANAGED_BY}=linkgrant,${COMPONENT_LABEL}=${PENDING_RENEWAL}`;
    const listed = { kind: SECRETS, namespace, labelSelector };
    const { items: names } = await readListing(client, listed, ({ metadata: { annotations, name } }) =>
      annotations?.[SECRET_REDEMPTION_ID] === redemptionId && name !== exceptName ? name : undefined,
    );
    for (const name of names) await client.delete(SECRETS, { namespace, name });
  });
}
