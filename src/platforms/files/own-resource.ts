import { MANAGED_BY, SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import type { ExistingLink, LinkSecret } from '../../domain/link.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { asMapping, type YamlMapping } from '../../files/yaml-documents.js';
import { certificateInfo, redemptionIdIn } from '../../pki/certificate-info.js';
import { linkSecret, storedLink } from './link-resource.js';

/** The redemption with which the present resources are compared. */
export interface OwnRedemption {
  readonly id: string | undefined;
  readonly secret: LinkSecret;
  /** The Secret that is already in the directory or namespace, if any. */
  readonly presentSecret?: YamlMapping | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * True if a redemption may replace a present Secret or Link: linkgrant created it for the same redemption, or for an earlier
 * one whose certificate has expired. The response of an unmodified Skupper server has no redemption id; then the Secret is
 * identified by its certificate, and the Links by their Secret.
 */
export function mayReplace(resource: YamlMapping, redemption: OwnRedemption): boolean {
  if (!isManaged(resource)) return false;
  const { id, secret, presentSecret, now } = redemption;
  if (isExpiredSecret(resource, now)) return true;
  if (resource.kind !== 'Secret' && presentSecret !== undefined) {
    // A Link may be replaced if its Secret may, or if an interrupted run has already replaced its Secret.
    const isItsLink = asMapping(resource.spec).tlsCredentials === secret.name;
    if (isItsLink && isExpiredSecret(presentSecret, now)) return true;
    if (isItsLink && isOfRedemption(presentSecret, id, secret)) return true;
  }
  return isOfRedemption(resource, id, secret);
}

function isOfRedemption(resource: YamlMapping, id: string | undefined, secret: LinkSecret): boolean {
  if (!isManaged(resource)) return false;
  if (asMapping(asMapping(resource.metadata).annotations)[SECRET_REDEMPTION_ID] !== id) return false;
  if (id !== undefined) return true;
  return resource.kind === 'Secret'
    ? linkSecret(resource).tlsCrt === secret.tlsCrt
    : asMapping(resource.spec).tlsCredentials === secret.name;
}

/** True for an existing Secret or Link of this redemption; the changes that a user made to it are retained. */
export function isOfSameRedemption(
  resource: YamlMapping | undefined,
  { id, secret, presentSecret }: OwnRedemption,
): resource is YamlMapping {
  const isOf = (present: YamlMapping | undefined) =>
    present !== undefined && isOfRedemption(present, id, secret);
  return isOf(resource) && (id !== undefined || isOf(presentSecret));
}

/** The fields of an existing Link, without its name and endpoints; empty if it belongs to another redemption. */
export function linkInPlace(link: YamlMapping | undefined, redemption: OwnRedemption): ExistingLink {
  if (!isOfSameRedemption(link, redemption)) return {};
  const { tlsCredentials, cost, settings, routingKeys, labels, annotations } = storedLink(link, '');
  return {
    ...(tlsCredentials !== '' && { tlsCredentials }),
    ...(cost !== undefined && { cost }),
    ...(settings && { settings }),
    ...(routingKeys && { routingKeys }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
}

/**
 * The credentials in a present Secret that was renewed: one of the same redemption as `secret` with another certificate; else
 * undefined.
 */
export function renewedIn(resource: YamlMapping | undefined, secret: LinkSecret): LinkSecret | undefined {
  const id = secret.annotations?.[SECRET_REDEMPTION_ID];
  if (id === undefined || resource?.kind !== 'Secret' || !isManaged(resource)) return undefined;
  const { caCrt, tlsCrt, tlsKey } = linkSecret(resource);
  if (tlsCrt === secret.tlsCrt || redemptionIdIn(tlsCrt) !== id) return undefined;
  return { ...secret, caCrt, tlsCrt, tlsKey };
}

/** True for a Secret that linkgrant created and whose certificate has expired at `now`. */
export function isExpiredSecret(resource: YamlMapping, now: number): boolean {
  if (resource.kind !== 'Secret' || !isManaged(resource)) return false;
  const notAfter = certificateEnd(resource);
  return notAfter !== undefined && notAfter <= now;
}

/** When the certificate of a Secret expires, in milliseconds since the epoch; undefined without a readable certificate. */
export function certificateEnd(secret: YamlMapping): number | undefined {
  const encoded = asMapping(secret.data)['tls.crt'];
  if (typeof encoded !== 'string') return undefined;
  return certificateInfo(Buffer.from(encoded, 'base64').toString('utf8'))?.notAfter;
}

/** True for a resource that linkgrant created, by its label. */
export function isManaged(resource: YamlMapping): boolean {
  return asMapping(asMapping(resource.metadata).labels)[MANAGED_BY] === 'linkgrant';
}

/** Throws `place_taken` if the Secrets of a link and of its proxy would have the same name. */
export function refuseProxyName(name: string, proxy: string | undefined): void {
  if (name !== proxy) return;
  const message = `The Secret of the proxy has the name "${name}", which the Secret of the link needs.`;
  throw new RedemptionError('place_taken', message);
}

/** The error for a file or resource of another redemption at the place of a link. */
export function placeTakenError(place: string): RedemptionError {
  return new RedemptionError('place_taken', `${place} already exists and belongs to another redemption.`);
}
