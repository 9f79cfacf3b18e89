import { MANAGED_BY, SECRET_REDEMPTION_ID } from './labels.js';
import type { Link, LinkSecret } from './link.js';
import { encodeResource, type ResourceValue } from './resource-encoding.js';

/** How a Secret and its Links are written. */
export interface LinkDocumentOptions {
  /**
   * True for what linkgrant itself puts in place: it gets the label that marks it so, and Links the redemption's id of
   * their Secret. On the wire neither is there.
   */
  readonly managed?: boolean;
  /** Absent on the wire. */
  readonly namespace?: string | undefined;
}

/** A resource as an object; fields that are undefined are not there. */
type ResourceFields = { readonly [key: string]: ResourceValue | undefined };

function metadataOf(
  name: string,
  options: LinkDocumentOptions,
  annotations: Readonly<Record<string, string>> | undefined,
): ResourceFields {
  const labels = options.managed ? { [MANAGED_BY]: 'linkgrant' } : undefined;
  return { annotations, labels, name, namespace: options.namespace };
}

/** A LinkSecret as a `v1/Secret`. Throws for values that are not ASCII, which PEM never is. */
export function linkSecretResource(secret: LinkSecret, options: LinkDocumentOptions = {}) {
  return {
    apiVersion: 'v1',
    data: {
      'ca.crt': btoa(secret.caCrt),
      'tls.crt': btoa(secret.tlsCrt),
      'tls.key': secret.tlsKey === undefined ? undefined : btoa(secret.tlsKey),
    },
    kind: 'Secret',
    metadata: metadataOf(secret.name, options, secret.annotations),
    type: 'kubernetes.io/tls',
  } satisfies ResourceFields;
}

/** A Link of that Secret as a `skupper.io/v2alpha1` resource. */
export function linkResource(link: Link, secret: LinkSecret, options: LinkDocumentOptions = {}) {
  const id = options.managed ? secret.annotations?.[SECRET_REDEMPTION_ID] : undefined;
  return {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'Link',
    metadata: metadataOf(link.name, options, id === undefined ? undefined : { [SECRET_REDEMPTION_ID]: id }),
    spec: {
      cost: link.cost,
      endpoints: link.endpoints.map(({ group, host, name, port }) => ({ group, host, name, port })),
      settings:
        link.proxyConfiguration === undefined
          ? undefined
          : { 'proxy-configuration': link.proxyConfiguration },
      tlsCredentials: link.tlsCredentials,
    },
  } satisfies ResourceFields;
}

/** {@link linkSecretResource} as a document. */
export function encodeLinkSecret(secret: LinkSecret, options: LinkDocumentOptions = {}): string {
  return encodeResource(linkSecretResource(secret, options));
}

/** {@link linkResource} as a document. */
export function encodeLink(link: Link, secret: LinkSecret, options: LinkDocumentOptions = {}): string {
  return encodeResource(linkResource(link, secret, options));
}

/** The YAML stream of a Secret and then its Links: an answer on the wire, and what `kubectl apply` takes. */
export function encodeLinkDocuments(
  secret: LinkSecret,
  links: readonly Link[],
  options: LinkDocumentOptions = {},
): string {
  return encodeLinkSecret(secret, options) + links.map((link) => encodeLink(link, secret, options)).join('');
}
