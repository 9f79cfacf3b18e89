import { MANAGED_BY, SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import type { LinkSecret } from '../../domain/link.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';

const LIMITS = { length: 1024 * 1024, documents: 1 };

/**
 * True when the text of a materialized Secret or Link is of the redemption `id`: it has linkgrant's label and that id.
 * An answer of a stock server has no id: then its Secret is known by the certificate, and its Links by their Secret.
 */
export function isOurs(
  text: string,
  redemption: { readonly id: string | undefined; readonly secret: LinkSecret },
): boolean {
  const resource = parse(text);
  if (!resource) return false;
  const metadata = asMapping(resource.metadata);
  if (asMapping(metadata.labels)[MANAGED_BY] !== 'linkgrant') return false;
  if (asMapping(metadata.annotations)[SECRET_REDEMPTION_ID] !== redemption.id) return false;
  if (redemption.id !== undefined) return true;
  const { secret } = redemption;
  return resource.kind === 'Secret'
    ? asMapping(resource.data)['tls.crt'] === Buffer.from(secret.tlsCrt).toString('base64')
    : asMapping(resource.spec).tlsCredentials === secret.name;
}

function parse(text: string): YamlMapping | undefined {
  try {
    return parseYamlMappings(text, LIMITS)[0];
  } catch {
    return undefined;
  }
}
