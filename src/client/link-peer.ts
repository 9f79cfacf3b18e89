import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import { certificateState } from '../domain/issued-certificate.js';
import { formatTime } from '../domain/rfc3339.js';
import {
  type CertificateInfo,
  certificateInfo,
  namesHost,
  routerNames,
  verificationProblem,
} from '../pki/certificate-info.js';
import { formatIpAddress, parseIpAddress } from '../pki/ip-address.js';
import { encodeCertificatePem, parseCertificates } from '../pki/pem.js';
import type { LinkFailure } from '../redemption/ports/link-dialer.js';
import { OUTSIDE_VALIDITY, printableNames } from './tls-failure.js';

const MAX_CHAIN_LENGTH = 8;

/** Returns the certificates that a peer presented, in its order; at most 8. */
export function presentedCertificates(socket: TLSSocket): X509Certificate[] {
  const presented: X509Certificate[] = [];
  let at: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (at && presented.length < MAX_CHAIN_LENGTH) {
    presented.push(at);
    at = at.issuerCertificate;
  }
  return presented;
}

/** Returns the certificates that a peer presented as PEM, each once. */
export function presentedChain(socket: TLSSocket): string {
  return [...new Set(presentedCertificates(socket).map(({ raw }) => encodeCertificatePem(raw)))].join('');
}

/**
 * Returns why a certificate chain is not that of the router of a Link; undefined if it is. Checks trust, then times, then names.
 * `tlsError` is OpenSSL's error for the chain.
 */
export function routerProblem(
  router: { readonly chainPem: string; readonly tlsError: string | undefined },
  target: HostPort,
  caPem: string,
  now: number,
): LinkFailure | undefined {
  const where = formatHostPort(target);
  const info = certificateInfo(router.chainPem);
  if (!info)
    return { fault: 'tls_untrusted', message: `${where} presents a certificate that cannot be read.` };
  return (
    trustProblem(router, info, caPem, now, where) ??
    timeProblem(info, now, where) ??
    nameProblem(router.chainPem, info, target)
  );
}

function trustProblem(
  { chainPem, tlsError }: { readonly chainPem: string; readonly tlsError: string | undefined },
  { notBefore, notAfter }: CertificateInfo,
  caPem: string,
  now: number,
  where: string,
): LinkFailure | undefined {
  // Verify at a time at which the certificate itself is valid, so that its expiry is not reported as missing trust.
  const verificationTime = Math.min(Math.max(now, notBefore), notAfter - 1);
  const problem = verificationProblem(chainPem, caPem, verificationTime);
  const caNotAfter = latestNotAfter(caPem);
  if (problem !== undefined && caNotAfter <= now) {
    const message = `The CA in the link's ca.crt expired at ${formatTime(caNotAfter)}.`;
    return { fault: 'router_certificate_expired', message };
  }
  // OpenSSL checks times by the machine's clock; timeProblem checks them by `now`.
  const tlsProblem = tlsError !== undefined && !OUTSIDE_VALIDITY.has(tlsError) ? tlsError : undefined;
  if (problem === undefined && tlsProblem === undefined) return undefined;
  const why = tlsProblem === undefined ? '' : ` (${tlsProblem})`;
  const message = `The certificate of ${where} does not come from the CA in the link's ca.crt${why}.`;
  return { fault: 'tls_untrusted', message };
}

function latestNotAfter(caPem: string): number {
  return Math.max(...parseCertificates(caPem).map(({ validTo }) => Date.parse(validTo)));
}

function timeProblem(
  { notBefore, notAfter }: CertificateInfo,
  now: number,
  where: string,
): LinkFailure | undefined {
  const state = certificateState({ notBefore, notAfter }, now);
  if (state === 'expired') {
    const message = `The certificate of the router at ${where} expired at ${formatTime(notAfter)}; the local clock is at ${formatTime(now)}.`;
    return { fault: 'router_certificate_expired', message };
  }
  if (state !== 'early') return undefined;
  const message = `The certificate of the router at ${where} is valid only from ${formatTime(notBefore)}; the local clock is at ${formatTime(now)}.`;
  return { fault: 'clock_skew', message };
}

function nameProblem(
  chainPem: string,
  { hosts }: CertificateInfo,
  target: HostPort,
): LinkFailure | undefined {
  const names = routerNames(chainPem);
  if (namesHost(names, target.host)) return undefined;
  const where = formatHostPort(target);
  const address = isIP(target.host) === 0 ? undefined : parseIpAddress(target.host);
  if (address && hosts.includes(formatIpAddress(address))) {
    const message = `The certificate of ${where} contains ${target.host} only as an IP address; routers compare DNS names only.`;
    return { fault: 'tls_name_address', message };
  }
  const message = `The certificate of ${where} is not for ${target.host}, but for ${printableNames(names.join(', '))}.`;
  return { fault: 'tls_name', message };
}
