import { SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import type { Link, LinkSecret } from '../../domain/link.js';
import { encodeLink, encodeLinkSecret } from '../../domain/link-resources.js';

/** A materialized Secret as a YAML document with linkgrant's label. */
export function secretText(secret: LinkSecret): string {
  return encodeLinkSecret(secret, (text) => Buffer.from(text).toString('base64'), { managed: true });
}

/** A materialized Link of that Secret as a YAML document with linkgrant's label and the redemption's id. */
export function linkText(link: Link, secret: LinkSecret): string {
  const id = secret.annotations?.[SECRET_REDEMPTION_ID];
  return encodeLink(link, {
    managed: true,
    ...(id !== undefined && { annotations: { [SECRET_REDEMPTION_ID]: id } }),
  });
}
