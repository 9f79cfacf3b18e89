import { MANAGED_BY, SECRET_REDEMPTION_ID, SECRET_TOKEN_LABEL } from '../../../domain/labels.js';
import type { Link } from '../../../domain/link.js';
import { encodeLinkDocuments } from '../../../domain/link-resources.js';
import { MAX_ENDPOINTS, MAX_LINKS, parseLinkEndpoint } from '../../../redemption/requesting/link-endpoint.js';
import { linkSecret, storedLink } from '../../files/link-resource.js';
import { isManaged } from '../../files/own-resource.js';
import type { KubernetesClient } from '../api/client.js';
import { LINKS, SECRETS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Stored } from '../api/resource.js';
import { hasTlsCredentials, type SecretResource, secretText } from './namespace-target.js';

/** The Secret of a link that is in place, found by the label of its token. */
export interface PlacedSecret {
  readonly name: string;
  readonly keyPem: string;
  /** The response to its redemption, with the certificate that is now in place; undefined if no Link is left. */
  readonly answer: string | undefined;
}

/** The label value on a link's Secret that identifies the pending redemption `id`. Label values have at most 63 characters. */
export function tokenLabel(id: string): string {
  return id.slice(0, 40);
}

/** The link that was created from the token of pending redemption `id`; undefined if there is none. */
export async function findPlacedSecret(
  client: KubernetesClient,
  namespace: string,
  id: string,
): Promise<PlacedSecret | undefined> {
  const labelSelector = `${SECRET_TOKEN_LABEL}=${tokenLabel(id)},${MANAGED_BY}=linkgrant`;
  let secret: Stored<SecretResource> | undefined;
  // Retains only the first: a tenant may have many large Secrets with this label.
  await readListing<SecretResource, void>(client, { kind: SECRETS, namespace, labelSelector }, (item) => {
    if (hasTlsCredentials(item)) secret ??= item;
  });
  const keyPem = secretText(secret, 'tls.key');
  if (!secret || keyPem === undefined) return undefined;
  const { name } = secret.metadata;
  const { tlsKey, ...credentials } = linkSecret(secret);
  const redemptionId = credentials.annotations?.[SECRET_REDEMPTION_ID];
  // Retains only what a response can contain: a tenant may have many large Links.
  const links: Link[] = [];
  await readListing(client, { kind: LINKS, namespace }, (resource) => {
    const link = storedLink(resource, '');
    const isOfSecret =
      redemptionId === undefined ? link.tlsCredentials === name : link.redemptionId === redemptionId;
    if (!isManaged(resource) || !isOfSecret || links.length === MAX_LINKS) return;
    const endpoints = link.endpoints
      .map(parseLinkEndpoint)
      .filter((endpoint) => typeof endpoint !== 'string')
      .slice(0, MAX_ENDPOINTS);
    links.push({ name: link.name, endpoints, tlsCredentials: name });
  });
  // A response without a redemption id comes from a server that generated the key, so it includes the key.
  const secretInAnswer = redemptionId === undefined ? { ...credentials, tlsKey } : credentials;
  return {
    name,
    keyPem,
    answer: links.length === 0 ? undefined : encodeLinkDocuments(secretInAnswer, links),
  };
}
