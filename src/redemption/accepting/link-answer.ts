import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import { type Link, type LinkSecret, linksToEndpoints } from '../../domain/link.js';
import type { Redemption } from '../../domain/redemption.js';
import type { SiteAccess } from '../ports/site.js';
import type { ServiceDescription } from './service-description.js';

/** Returns the present URL of the service and the CA of its certificate. */
export type ServiceAddressSource = () => Pick<ServiceDescription, 'url' | 'ca'>;

/** The response with a link's credentials and endpoints, ready to be rendered. */
export interface LinkAnswer {
  readonly secret: LinkSecret;
  /** At least one. */
  readonly links: readonly Link[];
}

/**
 * Builds the response for the link of a redemption: its credentials and the present endpoints of the site. The Secret has no
 * renewal URL without a service.
 */
export function linkAnswer(
  { id, name }: Pick<Redemption, 'id' | 'name'>,
  credentials: Pick<LinkSecret, 'tlsCrt' | 'tlsKey'>,
  { caCrt, endpoints }: SiteAccess,
  service?: ServiceAddressSource,
): LinkAnswer {
  const address = service?.();
  const annotations = {
    [SECRET_REDEMPTION_ID]: id,
    ...(address && { [SECRET_RENEWAL_URL]: `${address.url}/-/renew`, [SECRET_SERVER_CA]: address.ca }),
  };
  return { secret: { name, caCrt, ...credentials, annotations }, links: linksToEndpoints(name, endpoints) };
}
