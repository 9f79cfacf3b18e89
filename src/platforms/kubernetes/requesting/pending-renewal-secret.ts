import { SECRET_REDEMPTION_ID } from '../../../domain/labels.js';
import type { OpenPendingRenewal } from '../../../redemption/ports/pending-renewal.js';
import { SECRETS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import {
  type NamespaceTarget,
  retryInNamespace,
  type SecretResource,
  secretData,
  secretText,
} from './namespace-target.js';
import { newStateSecret, stateSelector } from './state-secret.js';

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
          const texts = { [KEY]: keyPem };
          if (stored) {
            await client.replace(SECRETS, { ...stored, data: secretData(texts) });
            return keyPem;
          }
          const metadata = { name, annotations: { [SECRET_REDEMPTION_ID]: redemptionId } };
          await client.create(SECRETS, await newStateSecret('pending-renewal', metadata, texts, target));
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
    const listed = { kind: SECRETS, namespace, labelSelector: stateSelector('pending-renewal') };
    const { items: names } = await readListing(client, listed, ({ metadata: { annotations, name } }) =>
      annotations?.[SECRET_REDEMPTION_ID] === redemptionId && name !== exceptName ? name : undefined,
    );
    for (const name of names) await client.delete(SECRETS, { namespace, name });
  });
}
