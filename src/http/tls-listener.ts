import { constants, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Express } from 'express';
import type { ConnectionCounts } from '../domain/listener-counts.js';
import { REQUEST_ID_HEADER } from '../domain/names.js';
import { STOCK_TEXT } from '../domain/stock-texts.js';
import { issuersIn } from '../pki/issuers-in.js';
import type { AcceptQueueMonitor } from './accept-queue.js';
import type { ConnectionTable } from './connection-table.js';
import { type ProxyHeaderOptions, requireProxyHeaders } from './proxy-header-reader.js';
import { originForm } from './request-path.js';

const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 10_000;
const CONNECTION_SWEEP_MS = 1_000;

/** The certificate chain and key that the service presents, in PEM. */
export interface TlsCredentials {
  readonly cert: string;
  /** The CA of the chain. It is presented too, because a join line contains only its fingerprint. */
  readonly ca?: string;
  readonly key: string;
}

/** Options of a listener. */
export interface TlsListenerOptions {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Time limit for the arrival of a whole request. */
  readonly requestTimeoutMs: number;
  readonly connections: ConnectionTable;
  /** Measures how long new connections wait; absent if that is not measured. */
  readonly queue?: AcceptQueueMonitor;
  /** Connections that must begin with a PROXY header; absent for none. */
  readonly proxyHeaders?: ProxyHeaderOptions;
  /** Skupper's text by default. */
  readonly unreadableBody?: UnreadableBody;
  /** Called for each response to an unreadable request. */
  readonly onUnreadable?: (response: UnreadableResponse) => void;
}

/** Returns the body of an {@link UnreadableResponse} with this status. */
type UnreadableBody = (status: number) => { readonly type: string; readonly text: string };

/** The response to bytes that are not a supported HTTP/1.1 request, or that are not complete in time. */
export interface UnreadableResponse {
  readonly status: number;
  readonly peer: string;
  readonly requestId: string;
}

/** An HTTPS listener (HTTP/1.1 only) that can change its credentials without dropping connections. */
export interface TlsListener {
  readonly server: Server;
  /** Uses these credentials for new handshakes. Throws for an invalid pair, and then continues with the old one. */
  setCredentials(credentials: TlsCredentials): void;
  /** Returns the counts of its connections, for the metrics. */
  readonly connectionCounts: () => ConnectionCounts;
  /** Stops accepting, waits up to `graceMs` for running requests, then closes all connections. */
  drain(graceMs: number): Promise<void>;
}

function secureContext(credentials: TlsCredentials, options: TlsListenerOptions): SecureContextOptions {
  const { cert, key, ca } = credentials;
  return {
    cert: ca === undefined ? cert : [cert, ...issuersIn(cert, ca)].join('\n'),
    key,
    minVersion: options.minVersion,
    // Clients open one connection for each request, so session tickets are useless.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ecdhCurve: 'X25519:P-256:P-384',
  };
}

/** Creates the listener of an app; the caller starts it with `server.listen`. */
export function createTlsListener(
  credentials: TlsCredentials,
  options: TlsListenerOptions,
  app: Express,
): TlsListener {
  const { connections, queue, unreadableBody = stockBody } = options;
  let failedHandshakes = 0;
  const responses = new WeakMap<Socket, ServerResponse>();
  const handle: RequestListener = (request, response) => {
    const { socket } = request;
    responses.set(socket, response);
    // Node retains objects that a closed TLS socket references until the next full garbage collection (ADR 20).
    socket.once('close', () => responses.delete(socket));
    // Responses that Express sends must close the connection too.
    response.shouldKeepAlive = false;
    if (!isSupported(request)) {
      const requestId = randomUUID();
      const { type, text } = unreadableBody(400);
      response.writeHead(400, {
        'content-type': type,
        'content-length': Buffer.byteLength(text),
        [REQUEST_ID_HEADER]: requestId,
        connection: 'close',
      });
      response.end(text);
      options.onUnreadable?.({ status: 400, peer: connections.addressOf(socket) ?? '', requestId });
      return;
    }
    // Express would answer a URL that it cannot parse with an HTML page.
    request.url = originForm(request.url ?? '');
    (app as RequestListener)(request, response);
  };
  const server = createServer(
    {
      ...secureContext(credentials, options),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: CONNECTION_SWEEP_MS,
      noDelay: true,
      // With true, Node itself would answer a request without Host, and would then parse its body as a second request.
      requireHostHeader: false,
    },
    handle,
  );
  // An unknown expectation may be ignored (RFC 9110 §10.1.1).
  server.on('checkExpectation', handle);
  // Node drops header lines beyond its default of 2,000 without an error. The total length of the headers is still limited.
  server.maxHeadersCount = 0;
  // Every response closes the connection, so the response to a pipelined request would be lost after its processing.
  server.maxRequestsPerSocket = 1;
  queue?.setServer(server);
  if (options.proxyHeaders) {
    const { onRefused, ...rules } = options.proxyHeaders;
    requireProxyHeaders(server, connections, {
      ...rules,
      onRefused(refusal) {
        failedHandshakes += 1;
        onRefused(refusal);
      },
    });
  }
  server.on('connection', (socket: Socket) => {
    if (queue?.recordAccepted(socket.remoteAddress)) socket.destroy();
    else connections.add(socket);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    connections.setTlsSocket(socket);
    socket.once('error', () => socket.destroy());
  });
  // Prepended, because Node's own listener emits `clientError`, whose listener below sends a response to a socket that is still
  // open, for example after a handshake timeout.
  server.prependListener('tlsClientError', (_error, socket) => {
    failedHandshakes += 1;
    socket.destroy();
  });
  server.on('clientError', (error, socket: Socket) => {
    const peer = connections.addressOf(socket) ?? '';
    const answer = answerBrokenRequest(error, socket, responses.get(socket), unreadableBody);
    if (answer) options.onUnreadable?.({ ...answer, peer });
  });
  return {
    server,
    connectionCounts: () => ({ ...connections.counts, failedHandshakes }),
    setCredentials: (next) => server.setSecureContext(secureContext(next, options)),
    drain: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => connections.destroyAll(), graceMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
        connections.destroyIdle();
      }),
  };
}

/** True for HTTP/1.1 with one Host (RFC 9112 §3.2) and without a transfer coding other than chunked. */
function isSupported(request: IncomingMessage): boolean {
  const coding = request.headers['transfer-encoding'];
  const isPlain = coding === undefined || coding.toLowerCase() === 'chunked';
  return request.httpVersion === '1.1' && request.headersDistinct.host?.length === 1 && isPlain;
}

const BROKEN_REQUEST_STATUS: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};

const stockBody: UnreadableBody = () => ({
  type: 'text/plain; charset=utf-8',
  text: `${STOCK_TEXT.bodyNotValid}\n`,
});

/**
 * Sends an {@link UnreadableResponse}; returns undefined if it sends none. `response` answers the request on this connection
 * whose headers were read, if there is one: the unreadable bytes are part of the body of that request, or follow it.
 */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Socket,
  response: ServerResponse | undefined,
  unreadableBody: UnreadableBody,
): Omit<UnreadableResponse, 'peer'> | undefined {
  // The invalid bytes follow a complete request, whose response closes the connection.
  if (response && (response.req.complete || response.writableEnded) && isUnreadable(error)) return undefined;
  if (!socket.writable || response?.headersSent) {
    socket.destroy();
    return undefined;
  }
  const [status, phrase] = BROKEN_REQUEST_STATUS[error.code ?? ''] ?? [400, 'Bad Request'];
  const requestId = randomUUID();
  const { type, text } = unreadableBody(status);
  const lines = [
    `HTTP/1.1 ${status} ${phrase}`,
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(text)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
  return { status, requestId };
}

/** True for an error of Node's HTTP parser, as opposed to one of the connection. */
function isUnreadable(error: { readonly code?: string }): boolean {
  return error.code?.startsWith('HPE_') ?? false;
}
