import { X509Certificate } from 'node:crypto';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { formatHostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { chainLink, SignatureChecks } from '../pki/certificate-chain.js';
import { parseCertificates } from '../pki/pem.js';
import { OutsideValidity } from '../redemption/ports/redemption-client.js';
import type { RunWork } from '../time/cpu-budget.js';
import { exchange } from './http-exchange.js';
import { presentedCertificates } from './link-peer.js';
import type { TlsTarget } from './route.js';
import { untrustedMessage } from './tls-failure.js';

/** Maximum size of the response whose `Date` is read, in bytes. */
export const MAX_CLOCK_RESPONSE_BYTES = 64 * 1024;

interface ValidityRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Diagnoses a server certificate that is not valid by the local clock. Returns `clock_skew` if the certificate is valid by the
 * server's clock, or if it is not valid yet and the server's clock is unknown. Returns `tls_untrusted` in all other cases; its
 * cause is OutsideValidity if a trusted CA signed the certificate.
 */
export async function diagnoseClock({
  target,
  now,
  signal,
  runWork = (work) => work(),
  openUnverified,
}: {
  readonly target: TlsTarget;
  readonly now: number;
  readonly signal: AbortSignal;
  /** Runs the verification of the certificates. */
  readonly runWork?: RunWork | undefined;
  /** Opens a connection without verification. */
  readonly openUnverified: () => Promise<TLSSocket>;
}): Promise<RedemptionError> {
  const where = formatHostPort(target);
  const socket = await openUnverified();
  const validity = runWork(() => verifiedValidity(presentedCertificates(socket), target.ca));
  if (!validity) {
    socket.destroy();
    return new RedemptionError('tls_untrusted', `${untrustedMessage(target)}.`);
  }
  const serverTime = await readServerTime(socket, target, signal);
  const localTime = new Date(now).toISOString();
  if (serverTime !== undefined && serverTime >= validity.from && serverTime <= validity.to) {
    const difference = `the local clock is at ${localTime}, that of the server at ${new Date(serverTime).toISOString()}`;
    return new RedemptionError(
      'clock_skew',
      `The certificate of ${where} is not valid now by the local clock: ${difference}.`,
    );
  }
  const isEarly = now < validity.from;
  const when = isEarly
    ? `is valid only from ${new Date(validity.from).toISOString()}`
    : `expired at ${new Date(validity.to).toISOString()}`;
  if (isEarly && serverTime === undefined) {
    return new RedemptionError(
      'clock_skew',
      `The certificate of ${where} ${when}, and the local clock is at ${localTime}.`,
    );
  }
  const message = `The certificate of ${where}, or the CA that signed it, ${when}.`;
  return new RedemptionError('tls_untrusted', message, { cause: new OutsideValidity() });
}

/**
 * Returns the period in which all certificates of a chain are valid. The chain begins with the first certificate of `presented`
 * and ends with a CA of `caPem`; without `caPem`, with a CA of Node. Returns undefined if no CA signed the chain, if a certificate
 * cannot be parsed, or if the verification needs too many signature checks.
 */
function verifiedValidity(
  presented: readonly X509Certificate[],
  caPem: string | undefined,
): ValidityRange | undefined {
  try {
    // parseCertificates accepts fewer certificates than Node trusts.
    const authorities =
      caPem === undefined
        ? rootCertificates.map((root) => new X509Certificate(root))
        : parseCertificates(caPem);
    const cas = authorities.map(chainLink);
    const checks = new SignatureChecks();
    for (const [index, certificate] of presented.entries()) {
      const link = chainLink(certificate);
      const ca = cas.find(
        (candidate) =>
          candidate.x509.fingerprint256 === link.x509.fingerprint256 || checks.isIssuedBy(link, candidate),
      );
      if (ca) return intersection([...presented.slice(0, index + 1), ca.x509]);
      const issuer = presented[index + 1];
      if (issuer && !checks.isIssuedBy(link, chainLink(issuer))) return undefined;
    }
  } catch {
    // A certificate cannot be read, or `checks` reached its limit.
  }
  return undefined;
}

function intersection(chain: readonly X509Certificate[]): ValidityRange {
  return {
    from: Math.max(...chain.map((certificate) => Date.parse(certificate.validFrom))),
    to: Math.min(...chain.map((certificate) => Date.parse(certificate.validTo))),
  };
}

/** Returns the time in the server's `Date` header; undefined without a valid one. */
async function readServerTime(
  socket: TLSSocket,
  target: TlsTarget,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const request = { method: 'HEAD', path: '/', headers: { host: formatHostPort(target) } } as const;
    const response = await exchange(socket, request, signal, MAX_CLOCK_RESPONSE_BYTES);
    const time = Date.parse(response.headers.date ?? '');
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}
