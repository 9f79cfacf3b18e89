import { MANAGED_BY, SECRET_REDEMPTION_ID } from '../../../domain/labels.js';
import type { OpenPendingRenewal } from '../../../redemption/ports/pending-renewal.js';
import { SECRETS } from '../api/kinds.js';
import {
  type NamespaceTarget,
  ownedResource,
  persisting,
  type SecretResource,
  secretData,
  secretText,
} from './namespace-target.js';
import { COMPONENT } from './pending-secret.js';

/** Value of {@link COMPONENT} on the key of a renewal under way. */
const PENDING_RENEWAL = 'pending-renewal';
const KEY = 'key.pem';

/** The keys of renewals under way, as Secrets `linkgrant-renewal-<redemption id>.<SHA-256 of the old certificate>` of the Site. */
export function renewalSecrets(place: NamespaceTarget): OpenPendingRenewal {
  const { client, namespace } = place;
  return async (redemptionId, certificateSha256) => {
    const nameOf = (sha256: string) => `linkgrant-renewal-${redemptionId}.${sha256}`;
    const name = nameOf(certificateSha256);
    return {
      ensureKey: (make, isUsable) =>
        persisting(async () => {
          const there = await client.find<SecretResource>(SECRETS, { namespace, name });
          const kept = secretText(there, KEY);
          if (kept !== undefined && isUsable(kept)) return kept;
          const made = await make();
          const data = secretData({ [KEY]: made });
          if (there) {
            await client.replace(SECRETS, { ...there, data });
            return made;
          }
          const metadata = {
            name,
            namespace,
            labels: { [MANAGED_BY]: 'linkgrant', [COMPONENT]: PENDING_RENEWAL },
            annotations: { [SECRET_REDEMPTION_ID]: redemptionId },
          };
          const fields = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data };
          await client.create(SECRETS, ownedResource(fields, await place.owner()));
          return made;
        }),
      finish: (newestSha256) => removeRenewals(place, redemptionId, nameOf(newestSha256)),
    };
  };
}

/** Removes the keys of a redemption's renewals but for the Secret `kept`. */
export function removeRenewals(
  { client, namespace }: Pick<NamespaceTarget, 'client' | 'namespace'>,
  redemptionId: string,
  kept?: string,
): Promise<void> {
  return persisting(async () => {
    const labelSelector = `${MANAGED_BY}=linkgrant,${COMPONENT}=${PENDING_RENEWAL}`;
    const { items } = await client.listAll<SecretResource>(SECRETS, { namespace, labelSelector });
    for (const { metadata } of items) {
      if (metadata.annotations?.[SECRET_REDEMPTION_ID] !== redemptionId || metadata.name === kept) continue;
      await client.delete(SECRETS, { namespace, name: metadata.name });
    }
  });
}
