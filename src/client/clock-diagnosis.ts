import type { X509Certificate } from 'node:crypto';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { formatHostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { type ChainLink, chainLink, SignatureChecks } from '../pki/certificate-chain.js';
import { parseCertificates } from '../pki/pem.js';
import { exchange } from './http-exchange.js';
import type { TlsTarget } from './route.js';
import { untrustedMessage } from './tls-failure.js';

const MAX_RESPONSE_BYTES = 64 * 1024;

interface Validity {
  readonly from: number;
  readonly to: number;
}

/**
 * Returns why a certificate is not valid by the local clock. `clock_skew`: it is valid by the server's clock, or that time is
 * unknown and the certificate is not valid yet. `tls_untrusted`: any other case, or no CA of the token signed it.
 */
export async function diagnoseClock(case_: {
  readonly target: TlsTarget;
  readonly now: number;
  readonly signal: AbortSignal;
  /** Opens a connection without verification. */
  readonly openUnverified: () => Promise<TLSSocket>;
}): Promise<RedemptionError> {
  const { target, now, signal } = case_;
  const where = formatHostPort(target);
  const socket = await case_.openUnverified();
  const peer = socket.getPeerX509Certificate();
  const validity = peer && verifiedValidity(peer, target.ca ?? rootCertificates.join('\n'));
  if (!validity) {
    socket.destroy();
    return new RedemptionError('tls_untrusted', `${untrustedMessage(target)}.`);
  }
  const theirs = await serverTime(socket, target, signal);
  const ours = new Date(now).toISOString();
  if (theirs !== undefined && theirs >= validity.from && theirs <= validity.to) {
    const difference = `the local clock is at ${ours}, that of the server at ${new Date(theirs).toISOString()}`;
    return new RedemptionError(
      'clock_skew',
      `The certificate of ${where} is not valid now by the local clock: ${difference}.`,
    );
  }
  if (now < validity.from && theirs === undefined) {
    const begin = new Date(validity.from).toISOString();
    return new RedemptionError(
      'clock_skew',
      `The certificate of ${where} is valid only from ${begin}, and the local clock is at ${ours}.`,
    );
  }
  const when =
    now < validity.from
      ? `is valid only from ${new Date(validity.from).toISOString()}`
      : `expired at ${new Date(validity.to).toISOString()}`;
  return new RedemptionError(
    'tls_untrusted',
    `The certificate of ${where}, or the CA in the token, ${when}.`,
  );
}

/**
 * Returns when the whole chain from `leaf` to one of the CAs is valid; undefined if no CA signed it, or if verification takes too
 * long.
 */
function verifiedValidity(leaf: X509Certificate, caPem: string): Validity | undefined {
  try {
    return validityOf(leaf, parseCertificates(caPem).map(chainLink));
  } catch {
    return undefined;
  }
}

function validityOf(leaf: X509Certificate, cas: readonly ChainLink[]): Validity | undefined {
  const checks = new SignatureChecks();
  const chain: X509Certificate[] = [];
  for (let at: X509Certificate | undefined = leaf; at && chain.length < 8; at = at.issuerCertificate) {
    const link = chainLink(at);
    chain.push(at);
    const ca = cas.find(
      (candidate) =>
        candidate.x509.fingerprint256 === link.x509.fingerprint256 || checks.isIssuedBy(link, candidate),
    );
    if (ca) return intersection([...chain, ca.x509]);
    if (at.issuerCertificate && !checks.isIssuedBy(link, chainLink(at.issuerCertificate))) return undefined;
  }
  return undefined;
}

function intersection(chain: readonly X509Certificate[]): Validity {
  return {
    from: Math.max(...chain.map((certificate) => Date.parse(certificate.validFrom))),
    to: Math.min(...chain.map((certificate) => Date.parse(certificate.validTo))),
  };
}

/** Returns the server's time by its `Date` header, or undefined. */
async function serverTime(
  socket: TLSSocket,
  target: TlsTarget,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const request = { method: 'HEAD', path: '/', headers: { host: formatHostPort(target) } } as const;
    const answer = await exchange(socket, request, signal, MAX_RESPONSE_BYTES);
    const time = Date.parse(answer.headers.date ?? '');
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
