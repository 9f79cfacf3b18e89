import type { KeyObject } from 'node:crypto';
import { signRenewalRequest } from '../../../src/codes/renewal-request.js';
import { privateKeyPem } from '../../../src/pki/keys.js';
import { createCertificateRequest } from '../../../src/pki/requests.js';
import type { CreatedGrant } from '../../../src/redemption/accepting/create-grant.js';
import { csrHeader, newKey, type RedeemedAnswer, redeemedAnswer } from '../redeemed-answer.js';
import type { TestService } from '../service.js';
import { type PostOptions, post, type WireAnswer } from '../wire.js';

/** A link's present pair, as its site holds it. */
export interface TestLink {
  readonly id: string;
  readonly key: KeyObject;
  /** PEM of the certificate. */
  readonly certificate: string;
}

/** What of a renewal request is another than usual. */
export interface RequestChanges {
  /** The key that is asked for; a new P-256 one when absent. */
  readonly newKey?: KeyObject;
  /** What is asked with instead of a proper CSR. */
  readonly csrDer?: Uint8Array;
  /** When it is signed; the service's time when absent. */
  readonly now?: number;
}

/** The pair that an answer gives to a site: with the service's key, or with the one that it asked for. */
export function linkOf(answer: RedeemedAnswer, key?: KeyObject): TestLink {
  const id = answer.secret.metadata.annotations?.['linkgrant.dev/redemption-id'] ?? '';
  const held = key ?? answer.key;
  if (!held) throw new Error('nobody has the key of that answer');
  return { id, key: held, certificate: answer.certificate };
}

/** Redeems a grant, a new one unless it is given, with a key of the site's own. */
export async function redeemLink(
  service: TestService,
  key: KeyObject = newKey(),
  made?: CreatedGrant,
): Promise<TestLink> {
  const { grant, code } = made ?? (await service.grant());
  const headers = { ...csrHeader(key), renews: 'true' };
  return linkOf(redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers })), key);
}

/** The request with which a link asks for its next certificate. */
export function renewalOf(
  { id, key, certificate }: TestLink,
  service: TestService,
  changes: RequestChanges = {},
): Promise<string> {
  return signRenewalRequest({
    certificatePem: certificate,
    privateKeyPem: privateKeyPem(key),
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
): Promise<WireAnswer> {
  return post(service, '/-/renew', request, {
    ...options,
    headers: { 'content-type': 'application/jose', ...headers },
  });
}

/** Renews a link and gives its new pair; fails the test where that is refused. */
export async function renewTestLink(
  link: TestLink,
  service: TestService,
  next: KeyObject = newKey(),
): Promise<TestLink> {
  const answer = await postRenewal(service, await renewalOf(link, service, { newKey: next }));
  return linkOf(redeemedAnswer(answer), next);
}
