import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import type { RedemptionError } from '../domain/redemption-error.js';
import { formatTime } from '../domain/rfc3339.js';
import type { LinkFailure } from '../redemption/ports/link-dialer.js';
import { systemCode } from './tcp-connection.js';
import { handshakeProblem } from './tls-failure.js';

const OPENING_FAULTS = ['dns', 'connection_refused', 'connection_timeout', 'proxy'] as const;
// Alerts about the client's certificate, RFC 8446 §6.2, as OpenSSL spells them.
const ABOUT_CERTIFICATE =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/;

/** Returns the fault of a connection that could not be opened. Rethrows any other error. */
export function openingFailure(error: RedemptionError): LinkFailure {
  const fault = OPENING_FAULTS.find((one) => one === error.code);
  if (!fault) throw error;
  return { fault, message: error.message };
}

/** Returns the fault of an error during the handshake. */
export function handshakeFailure(error: unknown, target: HostPort): LinkFailure {
  const code = systemCode(error);
  const where = formatHostPort(target);
  if (ABOUT_CERTIFICATE.test(code)) return refusedWith(code, where);
  const { fault, problem } = handshakeProblem(code, target, { alert: alertOf(code), protocol: 'TLS' });
  return { fault, message: `${where} ${problem}.` };
}

/** Returns the fault of a connection that a router closed after it received the client certificate `own`. */
export function verdictFailure(
  error: unknown,
  target: HostPort,
  own: { readonly notBefore: number; readonly notAfter: number },
  now: number,
): LinkFailure {
  const code = systemCode(error);
  const where = formatHostPort(target);
  if (code.includes('ALERT_CERTIFICATE_EXPIRED') && now < own.notAfter) {
    const message = `The router at ${where} regards the link's certificate as expired; it expires at ${formatTime(own.notAfter)}, and the local clock is at ${formatTime(now)}.`;
    return { fault: 'clock_skew', message };
  }
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT')) return refusedWith(code, where);
  const message = `The router at ${where} closed the connection after it received the link's certificate, and sent no alert.`;
  return { fault: 'certificate_refused', message };
}

function refusedWith(code: string, where: string): LinkFailure {
  const message = `The router at ${where} refuses the link's certificate (${alertOf(code)}).`;
  return { fault: 'certificate_refused', message };
}

/** Returns the name of an alert as in RFC 8446: `unknown_ca`. */
function alertOf(code: string): string {
  return code.replace(/^.*ALERT_/, '').toLowerCase();
}
