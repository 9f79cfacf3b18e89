import { MANAGED_BY, SECRET_REDEMPTION_ID, SECRET_TOKEN } from '../../../domain/labels.js';
import type { Link } from '../../../domain/link.js';
import { encodeLinkDocuments } from '../../../domain/link-resources.js';
import type { YamlMapping } from '../../../files/yaml-documents.js';
import { linkSecret, storedLink } from '../../files/link-resource.js';
import { isManaged } from '../../files/own-resource.js';
import type { KubernetesClient } from '../api/client.js';
import { LINKS, SECRETS } from '../api/kinds.js';
import type { Resource } from '../api/resource.js';
import { type SecretResource, secretText } from './namespace-target.js';

/** A link that is in place, as the token it came of leads to it. */
export interface PlacedSecret {
  readonly name: string;
  readonly keyPem: string;
  /** What its redemption was answered, with the certificate that is in place now; undefined where no Link is left. */
  readonly answer: string | undefined;
}

/** The value of the label that leads from a token's pending redemption `id` to its Secret: a label holds 63 characters. */
export function tokenLabel(id: string): string {
  return id.slice(0, 40);
}

/** The link that the token of pending redemption `id` has led to; undefined while it has not. */
export async function findPlacedSecret(
  client: KubernetesClient,
  namespace: string,
  id: string,
): Promise<PlacedSecret | undefined> {
  const labelSelector = `${SECRET_TOKEN}=${tokenLabel(id)},${MANAGED_BY}=linkgrant`;
  const { items } = await client.listAll<SecretResource>(SECRETS, { namespace, labelSelector });
  const secret = items.find(({ type }) => type === 'kubernetes.io/tls');
  const keyPem = secretText(secret, 'tls.key');
  if (!secret || keyPem === undefined) return undefined;
  const { name } = secret.metadata;
  const { tlsKey, ...credentials } = linkSecret(secret as unknown as YamlMapping);
  const redemptionId = credentials.annotations?.[SECRET_REDEMPTION_ID];
  const all = await client.listAll<Resource>(LINKS, { namespace });
  const links = all.items
    .map((resource) => resource as unknown as YamlMapping)
    .filter(isManaged)
    .map((resource) => storedLink(resource, ''))
    .filter((link) =>
      redemptionId === undefined ? link.tlsCredentials === name : link.redemptionId === redemptionId,
    )
    .map((link): Link => ({ name: link.name, endpoints: link.endpoints, tlsCredentials: name }));
  // The answer of a server that made the key holds it, and is known by that.
  const answered =
    redemptionId === undefined && tlsKey !== undefined ? { ...credentials, tlsKey } : credentials;
  return { name, keyPem, answer: links.length === 0 ? undefined : encodeLinkDocuments(answered, links) };
}
