import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { REFUSAL_CODES, wireRefusal } from '../../src/http/problem.js';
import { documentsOf, type LinkDocument, type SecretDocument } from '../support/redeemed-answer.js';
import { parseResponse, type WireResponse } from '../support/wire.js';
import type { RequestMaterial } from './http-requests.js';
import { readStrictly, routeOf, type StrictRequest, type StrictRoute } from './strict-reader.js';

/** What a request is entitled to, read from its bytes alone. */
export interface Entitlement {
  readonly request: StrictRequest | undefined;
  readonly route: StrictRoute | undefined;
  /**
   * Why it proves nothing; undefined if its body is a code of the grant that it names, or a renewal request signed by a link.
   */
  readonly unproven: string | undefined;
}

const RESPONSE = /HTTP\/1\.1 (?!100)\d{3} /g;
const STATUSES = new Set([200, 400, 403, 404, 405, 408, 409, 413, 431, 503]);
const TEXTS: ReadonlySet<string> = new Set(REFUSAL_CODES.map((code) => `${wireRefusal(code).text}\n`));

/** Reads what the bytes of a request are entitled to. */
export function entitlementOf(bytes: Buffer, { grants, renewals }: RequestMaterial): Entitlement {
  const request = readStrictly(bytes.toString('latin1'));
  if (typeof request === 'string') return { request: undefined, route: undefined, unproven: request };
  const route = routeOf(request.target);
  const refused = (unproven: string) => ({ request, route, unproven });
  if (!route) return refused('its target matches no route');
  if (request.method !== 'POST') return refused('its method is not POST');
  const proof = request.body.replace(/\n$/, '');
  if (route.operation === 'renew') {
    return renewals.includes(proof) ? { request, route, unproven: undefined } : refused('no link signed it');
  }
  const grant = grants.find(({ uid, name }) => route.grant === uid || route.grant === `default/${name}`);
  if (!grant) return refused('its target is no grant');
  const isRight = proof === grant.code || proof === grant.signedCode;
  return isRight ? { request, route, unproven: undefined } : refused('its code is wrong');
}

/** The response in some bytes, without an interim one. Throws an Error if there is not exactly one. */
export function oneResponse(bytes: Buffer): WireResponse {
  const text = bytes.toString('latin1').replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  if ((text.match(RESPONSE) ?? []).length !== 1) throw new Error('there is not exactly one response');
  return parseResponse(Buffer.from(text, 'latin1'));
}

/** What is wrong with a response, or undefined; `serials` collects the serial numbers of its certificates. */
export function judgeResponse(
  response: WireResponse,
  entitlement: Entitlement,
  material: RequestMaterial,
  serials: Set<string>,
): string | undefined {
  const { status, headers, body } = response;
  const { route, unproven } = entitlement;
  if (!STATUSES.has(status)) return `an unexpected status ${status}`;
  if (headers.connection !== 'close') return 'the response does not end its connection';
  if (status !== 200) return judgeRefusal(response, unproven);
  if (unproven) return `accepted although ${unproven}`;
  if (route?.operation === 'check')
    return typeof JSON.parse(body).state === 'string' ? undefined : 'no state';
  return judgeLink(body, entitlement, material, serials);
}

function judgeRefusal(
  { status, headers, body }: WireResponse,
  unproven: string | undefined,
): string | undefined {
  if (unproven && headers['linkgrant-reason'] !== undefined) return `has a reason although ${unproven}`;
  const isProblem = headers['content-type'] === 'application/problem+json';
  const code = isProblem ? JSON.parse(body).code : undefined;
  if (isProblem && !REFUSAL_CODES.includes(code)) return 'an unknown code';
  // A refusal repeats nothing of the request: its body is one of a few texts.
  if (!isProblem && body !== '' && !TEXTS.has(body)) return 'an unknown text';
  if (status === 503 && headers['retry-after'] === undefined) return 'a 503 without Retry-After';
  if (status === 503 && isProblem && code !== 'overloaded') return `a 503 for ${code}`;
  return undefined;
}

function judgeLink(
  body: string,
  { request, route }: Entitlement,
  { grants, keys }: RequestMaterial,
  serials: Set<string>,
): string | undefined {
  const [secret, ...links] = documentsOf(body) as [SecretDocument, ...LinkDocument[]];
  const text = (key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
  const certificate = new X509Certificate(text('tls.crt'));
  if (links.length === 0) return 'a Secret without a Link';
  // A renewal spends no use; its certificate is for the key in its signed body.
  if (route?.operation === 'renew') return undefined;
  serials.add(certificate.serialNumber.toLowerCase());
  const header = (name: string) => request?.headers.get(name)?.[0] || undefined;
  if ((request?.headers.get('csr')?.length ?? 0) > 1) return 'one of two CSRs was chosen';
  const csr = header('csr');
  const delivered = secret.data['tls.key'];
  if ((csr === undefined) !== (delivered !== undefined))
    return 'an unneeded private key, or no private key although it is needed';
  const key = csr === undefined ? createPublicKey(createPrivateKey(text('tls.key'))) : undefined;
  const wanted = key?.export({ format: 'der', type: 'spki' }) ?? keys.get(csr ?? '');
  const issued = certificate.publicKey.export({ format: 'der', type: 'spki' });
  if (!wanted?.equals(issued)) return 'a certificate for another key than requested';
  const ruled = grants.find(
    ({ name, uid }) => name === 'ruled' && (route?.grant === uid || route?.grant === `default/${name}`),
  );
  if (!ruled) return undefined;
  const subject = header('subject') ?? header('name') ?? ruled.name;
  if (csr === undefined || !subject.startsWith('allowed-')) return 'a rule of the grant was ignored';
  return undefined;
}
