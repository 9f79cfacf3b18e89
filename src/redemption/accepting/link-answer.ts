import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import { type Link, type LinkSecret, linksToEndpoints } from '../../domain/link.js';
import type { Redemption } from '../../domain/redemption.js';
import type { SiteAccess } from '../ports/site.js';
import type { ServiceDescription } from './service-description.js';

/** Returns the present URL of the service and the CA of its certificate. */
export type ServicePlace = () => Pick<ServiceDescription, 'url' | 'ca'>;

/** What a link's credentials and endpoints are answered as, ready to be rendered. */
export interface LinkAnswer {
  readonly secret: LinkSecret;
  /** At least one. */
  readonly links: readonly Link[];
}

/** What a link's Secret says of its redemption: its id, and where and with which trust it is renewed. */
export function secretAnnotations(
  redemptionId: string,
  { url, ca }: ReturnType<ServicePlace>,
): Readonly<Record<string, string>> {
  return {
    [SECRET_REDEMPTION_ID]: redemptionId,
    [SECRET_RENEWAL_URL]: `${url}/-/renew`,
    [SECRET_SERVER_CA]: ca,
  };
}

/** The answer that gives `tlsCrt` to the link of a redemption, with what its site gives access to now. */
export function linkAnswer(
  { id, name }: Pick<Redemption, 'id' | 'name'>,
  credentials: Pick<LinkSecret, 'tlsCrt' | 'tlsKey'>,
  { caCrt, endpoints }: SiteAccess,
  service: ServicePlace,
): LinkAnswer {
  const secret = { name, caCrt, ...credentials, annotations: secretAnnotations(id, service()) };
  return { secret, links: linksToEndpoints(name, endpoints) };
}
