import type { PeerCertificate } from 'node:tls';
import { formatHostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { HANDSHAKE_TOO_LONG, MAX_HANDSHAKE_BYTES } from './limited-stream.js';
import type { TlsTarget } from './route.js';
import { systemCode } from './tcp-connection.js';

const MAX_NAMES_LENGTH = 300;
/** OpenSSL's codes for a chain with a certificate that has expired or is not valid yet. */
export const OUTSIDE_VALIDITY: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
/** OpenSSL's codes for a server that offers none of the TLS versions that this side accepts. */
const NO_COMMON_VERSION: ReadonlySet<string> = new Set([
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
]);
// The codes of Node and OpenSSL for a chain that does not verify.
const UNTRUSTED =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_|PATH_LENGTH_|CRL_|HOSTNAME_|ERROR_IN_CERT)/;

/**
 * Returns the meaning of an error of a TLS handshake; `outside_validity` if a certificate of the chain has expired or is not
 * valid yet, by the local clock.
 */
export function tlsFailure(error: unknown, target: TlsTarget): RedemptionError | 'outside_validity' {
  const code = systemCode(error);
  const where = formatHostPort(target);
  if (OUTSIDE_VALIDITY.has(code)) return 'outside_validity';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = namesOf((error as { cert?: PeerCertificate }).cert);
    return new RedemptionError(
      'tls_name',
      `The certificate of ${where} is not for ${target.host}, but for ${names}.`,
    );
  }
  if (UNTRUSTED.test(code)) {
    return new RedemptionError('tls_untrusted', `${untrustedMessage(target)} (${code}).`, { cause: error });
  }
  const { fault, problem } = handshakeProblem(code, target, { alert: code, protocol: 'HTTPS' });
  const errorCode = fault === 'not_tls' ? 'not_https' : fault;
  return new RedemptionError(errorCode, `${where} ${problem}.`, { cause: error });
}

/**
 * Returns the fault of a handshake that did not fail because of a certificate, and a description of it as the end of a sentence
 * about the server.
 */
export function handshakeProblem(
  code: string,
  { host, minVersion }: TlsTarget,
  words: { readonly alert: string; readonly protocol: string },
): {
  readonly fault: 'tls_untrusted' | 'tls_name' | 'not_tls' | 'connection_refused';
  readonly problem: string;
} {
  if (code === HANDSHAKE_TOO_LONG) {
    const limit = `${MAX_HANDSHAKE_BYTES / 1024} KiB`;
    return { fault: 'tls_untrusted', problem: `sends too many certificates (more than ${limit})` };
  }
  const isSsl = code.startsWith('ERR_SSL_');
  if (code.endsWith('UNRECOGNIZED_NAME'))
    return { fault: 'tls_name', problem: `does not recognize the host name ${host}` };
  if (NO_COMMON_VERSION.has(code))
    return {
      fault: 'not_tls',
      problem: `does not offer TLS ${minVersion === undefined ? '1.3' : '1.2 or newer'}`,
    };
  if (isSsl && code.includes('ALERT'))
    return { fault: 'not_tls', problem: `refused the TLS handshake (${words.alert})` };
  if (isSsl || code === 'EPROTO') return { fault: 'not_tls', problem: `does not speak ${words.protocol}` };
  return { fault: 'connection_refused', problem: 'closed the connection before TLS was set up' };
}

/** Returns the message for an untrusted server, without its full stop. */
export function untrustedMessage(target: TlsTarget): string {
  return `The certificate of ${formatHostPort(target)} does not come from ${caNameOf(target)}`;
}

/** Returns the name of the CA that a target trusts, for messages. */
export function caNameOf({ ca, caName }: TlsTarget): string {
  return caName ?? (ca === undefined ? 'a CA that Node trusts' : 'the CA in the token');
}

function namesOf(certificate: PeerCertificate | undefined): string {
  // Remove duplicates: an IP address may also be listed as a DNS name, because skupper-router compares only DNS names.
  const alternatives = (certificate?.subjectaltname ?? '').replace(/DNS:|IP Address:/g, '').split(', ');
  return printableNames(String([...new Set(alternatives)].join(', ') || certificate?.subject?.CN || ''));
}

/** Formats the names of a certificate for messages: at most 300 printable characters. */
export function printableNames(names: string): string {
  const text = (names || 'no name at all').replace(/[^\x20-\x7e]/g, '?');
  return text.length > MAX_NAMES_LENGTH ? `${text.slice(0, MAX_NAMES_LENGTH)}…` : text;
}
