import type { KeyObject } from 'node:crypto';
import { signRenewalRequest } from '../../../src/codes/renewal-request.js';
import { createCertificateRequest } from '../../../src/pki/requests.js';
import type { CreatedGrant } from '../../../src/redemption/accepting/create-grant.js';
import { csrHeader, newKey, type RedeemedAnswer, redeemedAnswer } from '../redeemed-answer.js';
import type { TestService } from '../service.js';
import { type PostOptions, post, type WireResponse } from '../wire.js';

/** The current key and certificate of a link. */
export interface TestLink {
  readonly id: string;
  readonly key: KeyObject;
  /** PEM of the certificate. */
  readonly certificate: string;
}

/** A link, and the CA (PEM) that its site trusts. */
export interface LinkPair extends TestLink {
  readonly ca: string;
}

/** The outcome of a renewal request that is not proven to come from its link. */
export const RENEWAL_REFUSED = [403, 'Renewal of link certificate refused\n', undefined];

/** In what a renewal request differs from a valid one. */
export interface RequestChanges {
  /** The key of the CSR; by default a new P-256 key. */
  readonly newKey?: KeyObject;
  /** The bytes (DER) in place of a valid CSR. */
  readonly csrDer?: Uint8Array;
  /** The time of the signature; by default the service's time. */
  readonly now?: number;
}

/** Returns the link of a response. `key` is the key of the CSR; by default the key in the response. */
export function linkOf(answer: RedeemedAnswer, key?: KeyObject): LinkPair {
  const linkKey = key ?? answer.key;
  if (!linkKey) throw new Error('the response contains no key, and no key was passed');
  return { id: answer.redemptionId, key: linkKey, certificate: answer.certificate, ca: answer.ca };
}

/** Redeems a grant, by default a new one, with a CSR for the site's key. */
export async function redeemLink(
  service: TestService,
  key: KeyObject = newKey(),
  created?: CreatedGrant,
): Promise<LinkPair> {
  const { grant, code } = created ?? (await service.grant());
  const headers = { ...csrHeader(key), renews: 'true' };
  return linkOf(redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers })), key);
}

/** Returns a signed renewal request of a link. */
export function renewalOf(
  { id, key, certificate }: TestLink,
  service: TestService,
  changes: RequestChanges = {},
): Promise<string> {
  return signRenewalRequest({
    certificatePem: certificate,
    privateKey: key,
    redemptionId: id,
    csrDer: changes.csrDer ?? createCertificateRequest(changes.newKey ?? newKey(), 'a site'),
    now: changes.now ?? service.clock.read(),
  });
}

/** Posts a request for a renewal. */
export function postRenewal(
  service: TestService,
  request: string,
  { headers = {}, ...options }: PostOptions = {},
): Promise<WireResponse> {
  return post(service, '/-/renew', request, {
    ...options,
    headers: { 'content-type': 'application/jose', ...headers },
  });
}

/** Posts a renewal request of a link, by default a valid one. */
export async function requestRenewal(
  link: TestLink,
  service: TestService,
  changes: RequestChanges = {},
): Promise<WireResponse> {
  return postRenewal(service, await renewalOf(link, service, changes));
}

/** Renews a link, and returns it with its new key and certificate; fails the test if the renewal is refused. */
export async function renewTestLink(
  link: TestLink,
  service: TestService,
  next: KeyObject = newKey(),
): Promise<LinkPair> {
  return linkOf(redeemedAnswer(await requestRenewal(link, service, { newKey: next })), next);
}
