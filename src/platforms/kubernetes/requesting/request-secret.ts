import { MANAGED_BY } from '../../../domain/labels.js';
import type { LinkRequestStore } from '../../../redemption/ports/link-requests.js';
import { SECRETS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import {
  inCluster,
  type NamespaceTarget,
  ownedResource,
  retryInNamespace,
  type SecretResource,
  secretData,
  secretText,
} from './namespace-target.js';
import { COMPONENT_LABEL } from './pending-secret.js';

/** Value of {@link COMPONENT_LABEL} on the Secret of a waiting link request. */
const LINK_REQUEST = 'link-request';
const REQUEST = 'request.pem';
// A tenant may create any number of Secrets with these labels.
const MAX_REQUESTS = 1_000;

/** Waiting link requests as Secrets `linkgrant-request-<id>` that the Site owns, with the value `request.pem`. */
export function requestSecrets(target: NamespaceTarget): LinkRequestStore {
  const { client, namespace } = target;
  const labels = { [MANAGED_BY]: 'linkgrant', [COMPONENT_LABEL]: LINK_REQUEST };
  const nameOf = (id: string) => `linkgrant-request-${id}`;
  const find = (name: string) => client.find<SecretResource>(SECRETS, { namespace, name });
  return {
    place: `the Secrets of namespace ${namespace}`,
    ensure: (id, text) =>
      retryInNamespace(async () => {
        const name = nameOf(id);
        const stored = secretText(await find(name), REQUEST);
        if (stored !== undefined) return stored;
        const data = secretData({ [REQUEST]: text });
        const metadata = { name, namespace, labels };
        const fields = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data };
        await client.create(SECRETS, ownedResource(fields, await target.owner()));
        return text;
      }),
    list: () =>
      inCluster(async () => {
        const labelSelector = Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(',');
        const texts: string[] = [];
        await readListing<SecretResource, void>(
          client,
          { kind: SECRETS, namespace, labelSelector },
          (secret) => {
            const text = secretText(secret, REQUEST);
            if (text !== undefined && texts.length < MAX_REQUESTS) texts.push(text);
          },
        );
        return texts;
      }),
    remove: (id) =>
      inCluster(async () => {
        const key = { namespace, name: nameOf(id) };
        if (!(await find(key.name))) return false;
        await client.delete(SECRETS, key);
        return true;
      }),
  };
}
