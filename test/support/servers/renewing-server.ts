import type { KeyObject } from 'node:crypto';
import { readRenewalRequest, verifyRenewalRequest } from '../../../src/codes/renewal-request.js';
import { type LinkSecret, linksToEndpoints } from '../../../src/domain/link.js';
import { encodeLinkDocuments } from '../../../src/domain/link-resources.js';
import type { CertificateAuthority } from '../../../src/pki/authority.js';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { issueClientCertificate } from '../../../src/pki/certificates.js';
import { parseCertificateRequest } from '../../../src/pki/requests.js';
import { makeLinkSecret } from '../links/link-samples.js';
import { DAY_MS, makeAuthority, makeIdentity } from '../server-identity.js';
import { ResponseSender, serveHttps, type TestServer } from './hostile-server.js';
import { ENDPOINTS } from './issuing-server.js';

const FIVE_MINUTES = 5 * 60_000;

/** A small service that renews one link. It accepts the newest certificate, and the one before it only with the recorded key. */
export interface RenewingServer extends TestServer {
  readonly authority: CertificateAuthority;
  readonly url: string;
  readonly ca: string;
  readonly redemptionId: string;
  /** Makes a certificate (PEM) the newest one of the link. */
  setNewest(certificate: string): void;
  /** Certificates that were issued so far. */
  issued(): number;
  /** SHA-256 of the keys in the requests with a valid signature. */
  readonly keys: string[];
  /** Truncates the next `count` responses; their certificates are issued nevertheless. */
  loseAnswers(count: number): void;
  /** Replaces the clock of the service. */
  setClock(clock: () => number): void;
  /** Changes answers before they are sent. */
  changeAnswers(change: (answer: Answer) => Answer | string): void;
  /** Refuses every request with this code and status from now on. */
  refuse(status: number, code: string): void;
}

/** The content of a response. */
export interface Answer {
  readonly authority: CertificateAuthority;
  readonly caCrt?: string;
  readonly redemptionId: string;
  readonly name: string;
  readonly spkiDer: Uint8Array;
  readonly tlsKey?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Issues a link certificate that is due for renewal (25 of its 30 days have passed), and sets it as the newest one of `server`.
 * Returns the Secret of the link. The default key is a new P-256 key.
 */
export async function secretDueForRenewal(server: RenewingServer, key?: KeyObject): Promise<LinkSecret> {
  const { redemptionId, url, ca } = server;
  const issuedAt = Date.now() - 25 * DAY_MS;
  const secret = await makeLinkSecret(server.authority, { redemptionId, issuedAt, key });
  server.setNewest(secret.tlsCrt);
  const service = { 'linkgrant.dev/renewal-url': url, 'linkgrant.dev/server-ca': ca };
  return { ...secret, annotations: { ...secret.annotations, ...service } };
}

/** Starts a service for the redemption with this id. */
export async function startRenewingServer(redemptionId: string, name = 'to-west'): Promise<RenewingServer> {
  const authority = await makeAuthority('Test Site CA');
  const identity = await makeIdentity();
  const answers = new Map<string, string>();
  const keys: string[] = [];
  let known: { readonly sha256: string; readonly pem: string }[] = [];
  let issued = 0;
  const responses = new ResponseSender();
  let clock: () => number = Date.now;
  let change: (answer: Answer) => Answer | string = (answer) => answer;
  let refusal: { readonly status: number; readonly code: string } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const setNewest = (pem: string) => {
    known = [{ sha256: describeCertificate(pem).sha256, pem }, ...known].slice(0, 2);
  };
  const answerTo = async (body: string): Promise<string | { status: number; code: string }> => {
    if (refusal) return refusal;
    const unproven = readRenewalRequest(body);
    if (!unproven) return { status: 400, code: 'renewal_invalid' };
    const signer = known.find(({ sha256 }) => sha256 === unproven.certificateSha256);
    const renewal = await verifyRenewalRequest(body, signer?.pem);
    if (!signer || !renewal || unproven.redemptionId !== redemptionId) {
      return { status: 403, code: 'renewal_refused' };
    }
    const request = parseCertificateRequest(renewal.csrDer);
    if ('invalid' in request) return { status: 400, code: request.invalid };
    keys.push(request.keySha256);
    if (Math.abs(renewal.issuedAt - clock()) > FIVE_MINUTES) return { status: 403, code: 'renewal_stale' };
    const stored = answers.get(`${signer.sha256} ${request.keySha256}`);
    if (stored !== undefined) return stored;
    if (signer !== known[0]) return { status: 409, code: 'superseded' };
    const made = change({
      authority,
      redemptionId,
      name,
      spkiDer: request.spkiDer,
      annotations: {
        'linkgrant.dev/redemption-id': redemptionId,
        'linkgrant.dev/renewal-url': url,
        'linkgrant.dev/server-ca': identity.ca,
      },
    });
    if (typeof made === 'string') return made;
    const { certificate: tlsCrt } = await issueClientCertificate({
      authority: made.authority,
      spkiDer: made.spkiDer,
      subject: 'east',
      redemptionId: made.redemptionId,
      lifetimeMs: 30 * DAY_MS,
      now: Date.now(),
    });
    const { tlsKey, annotations, caCrt = made.authority.bundlePem } = made;
    const secret = {
      name: made.name,
      caCrt,
      tlsCrt,
      ...(tlsKey !== undefined && { tlsKey }),
      annotations,
    };
    const answer = encodeLinkDocuments(secret, linksToEndpoints(made.name, ENDPOINTS));
    answers.set(`${signer.sha256} ${request.keySha256}`, answer);
    setNewest(tlsCrt);
    issued += 1;
    return answer;
  };
  const server = await serveHttps(
    (request, _incoming, response) => {
      // One after the other, so that a key gets one certificate.
      const answering = last.then(() => answerTo(request.body));
      last = answering.catch(() => undefined);
      void answering.then((answer) => {
        if (typeof answer !== 'string') {
          const more = answer.code === 'renewal_stale' && { serverTime: new Date(clock()).toISOString() };
          const problem = { type: 'about:blank', title: 'refused', ...answer, ...more };
          response.writeHead(answer.status, { 'content-type': 'application/problem+json' });
          response.end(JSON.stringify(problem));
        } else {
          responses.send(response, answer);
        }
      });
    },
    { identity },
  );
  const url = `https://127.0.0.1:${server.port}/-/renew`;
  return {
    ...server,
    authority,
    url,
    ca: identity.ca,
    redemptionId,
    setNewest,
    issued: () => issued,
    keys,
    loseAnswers: (count) => responses.truncateNext(count),
    setClock: (other) => {
      clock = other;
    },
    changeAnswers: (other) => {
      change = other;
    },
    refuse: (status, code) => {
      refusal = { status, code };
    },
  };
}
