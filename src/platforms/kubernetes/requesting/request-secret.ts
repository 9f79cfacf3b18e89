import type { LinkRequestStore } from '../../../redemption/ports/link-requests.js';
import { SECRETS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import {
  type NamespaceTarget,
  retryInNamespace,
  type SecretResource,
  secretText,
  withClusterErrors,
} from './namespace-target.js';
import { newStateSecret, stateSelector } from './state-secret.js';

const REQUEST = 'request.pem';
// A tenant may create any number of Secrets with these labels.
const MAX_REQUESTS = 1_000;

/** Waiting link requests as Secrets `linkgrant-request-<id>` that the Site owns, with the value `request.pem`. */
export function requestSecrets(target: NamespaceTarget): LinkRequestStore {
  const { client, namespace } = target;
  const nameOf = (id: string) => `linkgrant-request-${id}`;
  const find = (name: string) => client.find<SecretResource>(SECRETS, { namespace, name });
  return {
    place: `the Secrets of namespace ${namespace}`,
    ensure: (id, text) =>
      retryInNamespace(async () => {
        const name = nameOf(id);
        const stored = secretText(await find(name), REQUEST);
        if (stored !== undefined) return stored;
        const secret = await newStateSecret('link-request', { name }, { [REQUEST]: text }, target);
        await client.create(SECRETS, secret);
        return text;
      }),
    list: () =>
      withClusterErrors(async () => {
        const texts: string[] = [];
        await readListing<SecretResource, void>(
          client,
          { kind: SECRETS, namespace, labelSelector: stateSelector('link-request') },
          (secret) => {
            const text = secretText(secret, REQUEST);
            if (text !== undefined && texts.length < MAX_REQUESTS) texts.push(text);
          },
        );
        return texts;
      }),
    remove: (id) =>
      withClusterErrors(async () => {
        const key = { namespace, name: nameOf(id) };
        if (!(await find(key.name))) return false;
        await client.delete(SECRETS, key);
        return true;
      }),
  };
}
