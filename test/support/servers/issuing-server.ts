import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Link, LinkEndpoint } from '../../../src/domain/link.js';
import { linksToEndpoints } from '../../../src/domain/link.js';
import { encodeLinkDocuments } from '../../../src/domain/link-resources.js';
import type { RedemptionErrorCode } from '../../../src/domain/redemption-error.js';
import type { CertificateAuthority } from '../../../src/pki/authority.js';
import { issueClientCertificate } from '../../../src/pki/certificates.js';
import { generateKey } from '../../../src/pki/keys.js';
import { parseCertificateRequest } from '../../../src/pki/requests.js';
import { releaseAfterTest } from '../release.js';
import { DAY_MS, makeAuthority } from '../server-identity.js';
import { CODE, ResponseSender, type SeenRequest, serveHttps, type TestServer } from './hostile-server.js';

export const ENDPOINTS: readonly LinkEndpoint[] = [
  { name: 'inter-router', host: 'router.example.com', port: '55671', group: 'skupper-router' },
  { name: 'edge', host: 'router.example.com', port: '45671', group: 'skupper-router' },
];

/** A small redemption service. It issues like linkgrant (one certificate for each key) or like Skupper (one for each request). */
export interface IssuingServer extends TestServer {
  readonly authority: CertificateAuthority;
  /** Certificates issued so far. */
  issued(): number;
  /**
   * Truncates the next `count` responses; their certificates are issued nevertheless. Then refuses with `refusal`, as after a call
   * of `refuse`, if it is given.
   */
  loseAnswers(count: number, refusal?: RedemptionErrorCode): void;
  /** Delays each response to a redemption from now on by this many milliseconds. */
  slowDown(ms: number): void;
  /** Refuses with this code from now on. With `grant_expired`, a known key still gets its certificate, as from linkgrant. */
  refuse(code: RedemptionErrorCode | undefined): void;
  /** Refuses the next `count` requests as `overloaded`, also checks, with this `Retry-After` in seconds. */
  overload(count: number, retryAfter: number): void;
}

/** Fields that a service sends with each Link, in addition to its endpoints. */
export type SentWithLink = Pick<Link, 'cost' | 'settings' | 'routingKeys' | 'labels' | 'annotations'>;

/** The body of a response to a redemption. */
export async function renderAnswer(
  authority: CertificateAuthority,
  redemption: { readonly name: string; readonly spkiDer: Uint8Array; readonly tlsKey?: string },
  endpoints = ENDPOINTS,
  sent: SentWithLink = {},
): Promise<string> {
  const id = randomUUID();
  const now = Date.now();
  const { name, spkiDer, tlsKey } = redemption;
  const issued = await issueClientCertificate({
    authority,
    spkiDer,
    subject: name,
    redemptionId: id,
    lifetimeMs: 30 * DAY_MS,
    now,
  });
  const keyOrId = tlsKey === undefined ? { annotations: { 'linkgrant.dev/redemption-id': id } } : { tlsKey };
  const secret = { name, caCrt: authority.bundlePem, tlsCrt: issued.certificate, ...keyOrId };
  const links = linksToEndpoints(name, endpoints).map((link) => ({ ...link, ...sent }));
  return encodeLinkDocuments(secret, links);
}

/**
 * Starts a linkgrant or stock service with the single code {@link CODE}, whose Links have `endpoints` and the fields of `sent`.
 */
export async function startIssuingServer(
  manner: 'linkgrant' | 'stock',
  sent: SentWithLink = {},
  endpoints = ENDPOINTS,
): Promise<IssuingServer> {
  const authority = await makeAuthority('Test Site CA');
  const byKey = new Map<string, Promise<string>>();
  let issued = 0;
  const responses = new ResponseSender();
  let delayMs = 0;
  let refused: RedemptionErrorCode | undefined;
  let overloads = { count: 0, retryAfter: 0 };
  const answerTo = async ({ headers, body }: SeenRequest): Promise<string | undefined> => {
    if (body !== CODE) return undefined;
    const name = String(headers.name);
    if (manner === 'stock') {
      issued += 1;
      const { keyPem: tlsKey, spkiDer } = await generateKey('p256');
      return renderAnswer(authority, { name, spkiDer, tlsKey }, endpoints, sent);
    }
    const request = parseCertificateRequest(Buffer.from(String(headers.csr), 'base64'));
    if ('invalid' in request) return undefined;
    let answer = byKey.get(request.keySha256);
    if (answer === undefined) {
      answer = renderAnswer(authority, { name, spkiDer: request.spkiDer }, endpoints, sent);
      byKey.set(request.keySha256, answer);
      issued += 1;
    }
    return answer;
  };
  const isKnown = ({ headers }: SeenRequest) => {
    const request = parseCertificateRequest(Buffer.from(String(headers.csr), 'base64'));
    return !('invalid' in request) && byKey.has(request.keySha256);
  };
  const server = await serveHttps((request, _incoming, response) => {
    if (overloads.count > 0) {
      overloads.count -= 1;
      response
        .writeHead(503, { 'retry-after': String(overloads.retryAfter), 'linkgrant-reason': 'overloaded' })
        .end();
      return;
    }
    const isCheck = request.url.endsWith('/-/check');
    // A check of a grant that exists is never refused.
    const isRefused = isCheck
      ? refused === 'grant_unknown'
      : refused !== 'grant_expired' || !isKnown(request);
    if (refused !== undefined && isRefused) {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ code: refused }));
      return;
    }
    if (isCheck) {
      if (manner === 'stock') response.writeHead(404).end('No such claim\n');
      else response.end(JSON.stringify(checkAnswer(byKey.size, endpoints)));
      return;
    }
    void answerTo(request).then(async (answer) => {
      if (delayMs > 0) await sleep(delayMs);
      if (answer === undefined) {
        response.writeHead(403).end('Redemption of access token refused\n');
      } else {
        responses.send(response, answer);
      }
    });
  });
  return {
    ...server,
    authority,
    issued: () => issued,
    loseAnswers: (count, refusal) =>
      responses.truncateNext(count, () => {
        if (refusal !== undefined) refused = refusal;
      }),
    slowDown: (ms) => {
      delayMs = ms;
    },
    refuse: (code) => {
      refused = code;
    },
    overload: (count, retryAfter) => {
      overloads = { count, retryAfter };
    },
  };
}

/** Starts a service as {@link startIssuingServer} does, and closes it after the current test. */
export async function issuingServerForTest(
  ...server: Parameters<typeof startIssuingServer>
): Promise<IssuingServer> {
  return releaseAfterTest(await startIssuingServer(...server));
}

/** The content of linkgrant's answer to a check of a grant with one use. */
export function checkAnswer(redemptions = 0, endpoints = ENDPOINTS) {
  return {
    state: 'ready',
    redemptions,
    redemptionsAllowed: 1,
    expirationTime: new Date(Date.now() + DAY_MS).toISOString(),
    link: { endpoints },
    serverTime: new Date().toISOString(),
  };
}
