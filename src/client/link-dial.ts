import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { describeCertificate } from '../pki/certificate-info.js';
import type {
  DialedRouter,
  LinkCredentials,
  LinkDialer,
  LinkFailure,
} from '../redemption/ports/link-dialer.js';
import { DEFAULT_TIMEOUT_MS, openSocket, type ServiceConnectionOptions } from './connection.js';
import { handshakeFailure, openingFailure, verdictFailure } from './link-dial-failure.js';
import { presentedChain, routerProblem } from './link-peer.js';
import { secure, UnusableTlsOptions } from './tcp-connection.js';

/** Options for dialing routers. */
export interface LinkDialOptions extends ServiceConnectionOptions {
  /** How long a router must stay silent after the handshake to count as accepting the certificate; default 1,500 ms. */
  readonly silenceMs?: number | undefined;
}

const DEFAULT_SILENCE_MS = 1_500;
// Only the first bytes of a router are read.
const MAX_RESPONSE_BYTES = 1024;
// A router sends nothing before its peer does. It answers this start of a SASL exchange (AMQP 1.0 part 5, §5.3.2).
const AMQP_SASL_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);

/**
 * Dials routers over mutual TLS 1.3: trusts only `ca.crt`, compares names as routers do, and waits until the router accepts or
 * refuses the client certificate, which in TLS 1.3 happens after the handshake.
 */
export function createLinkDialer(options: LinkDialOptions): LinkDialer {
  return async (target, credentials) => {
    const signal = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    let secured: TLSSocket | undefined;
    try {
      const socket = await openSocket(target, options, signal, MAX_RESPONSE_BYTES);
      const opened = await handshake(target, socket, credentials, signal);
      if ('fault' in opened) return opened;
      secured = opened;
      return await checkRouter(secured, target, credentials, options, signal);
    } catch (error) {
      if (error instanceof RedemptionError) return openingFailure(error);
      throw error;
    } finally {
      secured?.destroy();
    }
  };
}

async function handshake(
  target: HostPort,
  socket: Socket,
  { caCrt, tlsCrt, tlsKey }: LinkCredentials,
  signal: AbortSignal,
): Promise<TLSSocket | LinkFailure> {
  const options = {
    ca: caCrt,
    cert: tlsCrt,
    key: tlsKey,
    minVersion: 'TLSv1.3' as const,
    // routerProblem verifies the router's certificate and distinguishes the reasons; no AMQP data is sent before that.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
  try {
    return await secure(socket, target.host, options, signal, { responseLimit: MAX_RESPONSE_BYTES });
  } catch (error) {
    if (error instanceof UnusableTlsOptions) {
      return {
        fault: 'credentials_invalid',
        message: 'TLS cannot use the key, the certificate or the CA of the link.',
      };
    }
    if (!signal.aborted) return handshakeFailure(error, target);
    const message = `The TLS handshake with ${formatHostPort(target)} took too long.`;
    return { fault: 'connection_timeout', message };
  }
}

async function checkRouter(
  secured: TLSSocket,
  target: HostPort,
  { caCrt, tlsCrt }: LinkCredentials,
  options: LinkDialOptions,
  signal: AbortSignal,
): Promise<DialedRouter | LinkFailure> {
  const chainPem = presentedChain(secured);
  const failure = secured.authorizationError as string | Error | null | undefined;
  const tlsError = failure ? String((failure as { code?: string }).code ?? failure) : undefined;
  const now = options.clock();
  const problem = routerProblem({ chainPem, tlsError }, target, caCrt, now);
  if (problem) return problem;
  const verdict = await routerVerdict(secured, options.silenceMs ?? DEFAULT_SILENCE_MS, signal);
  if (verdict === 'accepted') return { routerNotAfter: describeCertificate(chainPem).notAfter };
  return verdictFailure(verdict.refusedBy, target, describeCertificate(tlsCrt), now);
}

/**
 * Resolves with `accepted` if the router answers, or is silent for `silenceMs` or until `signal` is aborted. If the connection
 * ends first, resolves with its error as `refusedBy`; undefined if it ended without an error.
 */
function routerVerdict(
  secured: TLSSocket,
  silenceMs: number,
  signal: AbortSignal,
): Promise<'accepted' | { readonly refusedBy: unknown }> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle('accepted'), silenceMs);
    const onAbort = () => settle('accepted');
    const settle = (verdict: 'accepted' | { readonly refusedBy: unknown }) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(verdict);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    secured.once('data', () => settle('accepted'));
    secured.once('error', (error) => settle({ refusedBy: error }));
    secured.once('end', () => settle({ refusedBy: undefined }));
    secured.once('close', () => settle({ refusedBy: undefined }));
    secured.write(AMQP_SASL_HEADER);
  });
}
