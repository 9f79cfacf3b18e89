import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import { type Link, type LinkSecret, linksToEndpoints } from '../../domain/link.js';
import type { Redemption } from '../../domain/redemption.js';
import type { SiteAccess } from '../ports/site.js';
import type { ServiceDescription } from './service-description.js';

/** Returns the present URL of the service and the CA of its certificate. */
export type ServiceAddress = () => Pick<ServiceDescription, 'url' | 'ca'>;

/** The response with a link's credentials and endpoints, ready to be rendered. */
export interface LinkAnswer {
  readonly secret: LinkSecret;
  /** At least one. */
  readonly links: readonly Link[];
}

/** Returns the annotations of a link's Secret: the id of its redemption, its renewal URL and the CA of that URL. */
export function secretAnnotations(
  redemptionId: string,
  { url, ca }: ReturnType<ServiceAddress>,
): Readonly<Record<string, string>> {
  return {
    [SECRET_REDEMPTION_ID]: redemptionId,
    [SECRET_RENEWAL_URL]: `${url}/-/renew`,
    [SECRET_SERVER_CA]: ca,
  };
}

/** Builds the response for the link of a redemption: its credentials and the present endpoints of the site. */
export function linkAnswer(
  { id, name }: Pick<Redemption, 'id' | 'name'>,
  credentials: Pick<LinkSecret, 'tlsCrt' | 'tlsKey'>,
  { caCrt, endpoints }: SiteAccess,
  service: ServiceAddress,
): LinkAnswer {
  const secret = { name, caCrt, ...credentials, annotations: secretAnnotations(id, service()) };
  return { secret, links: linksToEndpoints(name, endpoints) };
}
