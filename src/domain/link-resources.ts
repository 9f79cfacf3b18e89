import { MANAGED_BY, SECRET_REDEMPTION_ID } from './labels.js';
import type { Link, LinkSecret } from './link.js';
import { encodeResource, type ResourceFields } from './resource-encoding.js';

/** Options for the resources of a link; a response to a client is encoded without options. */
export interface LinkDocumentOptions {
  /**
   * True for resources that linkgrant itself creates: adds the managed-by label, and to Links the redemption id of their
   * Secret.
   */
  readonly managed?: boolean;
  readonly namespace?: string | undefined;
}

type Texts = Readonly<Record<string, string>>;

function metadataOf(
  {
    name,
    labels,
    annotations,
  }: { readonly name: string; readonly labels?: Texts; readonly annotations?: Texts | undefined },
  options: LinkDocumentOptions,
): ResourceFields {
  const own = options.managed ? { [MANAGED_BY]: 'linkgrant' } : {};
  return { annotations, labels: unlessEmpty({ ...labels, ...own }), name, namespace: options.namespace };
}

function unlessEmpty(texts: Texts): Texts | undefined {
  return Object.keys(texts).length === 0 ? undefined : texts;
}

/** Returns a LinkSecret as a `v1/Secret`. The credentials must be ASCII, as PEM is; `btoa` does not detect all other text. */
export function linkSecretResource(secret: LinkSecret, options: LinkDocumentOptions = {}) {
  return {
    apiVersion: 'v1',
    data: {
      'ca.crt': btoa(secret.caCrt),
      'tls.crt': btoa(secret.tlsCrt),
      'tls.key': secret.tlsKey === undefined ? undefined : btoa(secret.tlsKey),
    },
    kind: 'Secret',
    metadata: metadataOf({ name: secret.name, annotations: secret.annotations }, options),
    type: 'kubernetes.io/tls',
  } satisfies ResourceFields;
}

/** Returns a Link as a `skupper.io/v2alpha1` resource; `secret` has its credentials. */
export function linkResource(link: Link, secret: LinkSecret, options: LinkDocumentOptions = {}) {
  const id = options.managed ? secret.annotations?.[SECRET_REDEMPTION_ID] : undefined;
  const annotations = unlessEmpty({
    ...link.annotations,
    ...(id !== undefined && { [SECRET_REDEMPTION_ID]: id }),
  });
  return {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'Link',
    metadata: metadataOf({ ...link, annotations }, options),
    spec: {
      cost: link.cost,
      endpoints: link.endpoints.map(({ group, host, name, port }) => ({ group, host, name, port })),
      routingKeys: link.routingKeys,
      settings: link.settings,
      tlsCredentials: link.tlsCredentials,
    },
  } satisfies ResourceFields;
}

/** Encodes a Secret, then its Links, as a YAML stream for a response or for `kubectl apply`. */
export function encodeLinkDocuments(
  secret: LinkSecret,
  links: readonly Link[],
  options: LinkDocumentOptions = {},
): string {
  const resources = [
    linkSecretResource(secret, options),
    ...links.map((link) => linkResource(link, secret, options)),
  ];
  return resources.map((resource) => encodeResource(resource)).join('');
}
