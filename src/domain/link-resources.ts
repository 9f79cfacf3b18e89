import { MANAGED_BY } from './labels.js';
import type { Link, LinkSecret } from './link.js';
import { encodeResource, type ResourceValue } from './resource-encoding.js';

function metadataOf(
  name: string,
  managed: boolean | undefined,
  annotations: Readonly<Record<string, string>> | undefined,
): { readonly [key: string]: ResourceValue | undefined } {
  return { annotations, labels: managed ? { [MANAGED_BY]: 'linkgrant' } : undefined, name };
}

/**
 * A LinkSecret as a `v1/Secret` document. `base64` encodes UTF-8 text. With `managed` the label that marks what
 * linkgrant itself put in place is set; on the wire it is not.
 */
export function encodeLinkSecret(
  secret: LinkSecret,
  base64: (text: string) => string,
  options: { readonly managed?: boolean } = {},
): string {
  return encodeResource({
    apiVersion: 'v1',
    data: {
      'ca.crt': base64(secret.caCrt),
      'tls.crt': base64(secret.tlsCrt),
      'tls.key': secret.tlsKey === undefined ? undefined : base64(secret.tlsKey),
    },
    kind: 'Secret',
    metadata: metadataOf(secret.name, options.managed, secret.annotations),
    type: 'kubernetes.io/tls',
  });
}

/** A Link as a `skupper.io/v2alpha1` document; see {@link encodeLinkSecret} for `managed`. */
export function encodeLink(
  link: Link,
  options: { readonly managed?: boolean; readonly annotations?: Readonly<Record<string, string>> } = {},
): string {
  return encodeResource({
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'Link',
    metadata: metadataOf(link.name, options.managed, options.annotations),
    spec: {
      cost: link.cost,
      endpoints: link.endpoints.map(({ group, host, name, port }) => ({ group, host, name, port })),
      tlsCredentials: link.tlsCredentials,
    },
  });
}
