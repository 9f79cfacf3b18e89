import { constants, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Express } from 'express';
import { REQUEST_ID_HEADER } from '../domain/request-id.js';
import { STOCK_TEXT } from '../domain/stock-texts.js';
import type { AcceptQueue } from './accept-queue.js';
import type { ConnectionTable } from './connection-table.js';
import { messagesOf } from './express-messages.js';
import { originForm } from './request-path.js';

const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 10_000;
const CONNECTION_SWEEP_MS = 1_000;

/** The certificate chain and key that the service shows, in PEM. */
export interface TlsCredentials {
  readonly cert: string;
  readonly key: string;
}

export interface TlsListenerOptions {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** The whole of a request must have arrived after this long. */
  readonly requestTimeoutMs: number;
  /** Keeps the connections of this listener alone. */
  readonly connections: ConnectionTable;
  readonly queue: AcceptQueue;
  /** What is sent as such an answer; Skupper's text unless given. */
  readonly unreadableBody?: (status: number) => { readonly type: string; readonly text: string };
  /** Told of each answer to what is no HTTP request, or none in time. */
  readonly onUnreadable?: (answer: UnreadableAnswer) => void;
}

/** The answer to bytes that are no HTTP request, or no whole one in time. */
export interface UnreadableAnswer {
  readonly status: number;
  readonly peer: string;
  readonly requestId: string;
}

/** An HTTPS listener (HTTP/1.1 alone) that takes new credentials without dropping a connection. */
export interface TlsListener {
  readonly server: Server;
  /** Uses other credentials for handshakes from now on; throws on a bad pair and keeps the old one. */
  setCredentials(credentials: TlsCredentials): void;
  /** Takes connections, or closes each new one before its handshake. */
  setAccepting(accepting: boolean): void;
  /** How many connections were closed before their handshake, and how many handshakes failed. */
  readonly counts: { readonly refused: number; readonly failedHandshakes: number };
  /** Stops accepting, lets running requests finish until `graceMs` has passed, then ends what is left. */
  drain(graceMs: number): Promise<void>;
}

function secureContext(credentials: TlsCredentials, options: TlsListenerOptions): SecureContextOptions {
  return {
    cert: credentials.cert,
    key: credentials.key,
    minVersion: options.minVersion,
    // Nobody resumes a session here, so no key for tickets is needed.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ecdhCurve: 'X25519:P-256:P-384',
  };
}

/** Makes the listener for an app that no other server has; the caller starts it with `server.listen`. */
export function createTlsListener(
  credentials: TlsCredentials,
  options: TlsListenerOptions,
  app: Express,
): TlsListener {
  const { connections } = options;
  const counts = { refused: 0, failedHandshakes: 0 };
  const { queue, unreadableBody = stockBody } = options;
  const underWay = new WeakMap<Socket, ServerResponse>();
  const take: RequestListener = (request, response) => {
    const { socket } = request;
    underWay.set(socket, response);
    // Node keeps what a closed TLS socket leads to until the next full collection (ADR 20).
    socket.once('close', () => underWay.delete(socket));
    // Responses that a library sends close the connection too.
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
    // Express answers by itself what it cannot read, with a page of HTML.
    request.url = originForm(request.url ?? '');
    (app as RequestListener)(request, response);
  };
  const server = createServer(
    {
      ...secureContext(credentials, options),
      ...messagesOf(app),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: CONNECTION_SWEEP_MS,
      noDelay: true,
      // With true, Node would answer such a request, and then its body as a second request.
      requireHostHeader: false,
    },
    take,
  );
  // What else a client may expect is its own matter (RFC 9110, 10.1.1).
  server.on('checkExpectation', take);
  // Node drops header lines beyond its default of 2,000 without an error. Their length is bounded all the same.
  server.maxHeadersCount = 0;
  // Requests that were sent ahead would be carried out, and their answers lost: every answer ends its connection.
  server.maxRequestsPerSocket = 1;
  queue.follow(server);
  server.on('connection', (socket: Socket) => {
    if (queue.noteTaken(socket.remoteAddress)) socket.destroy();
    else connections.add(socket);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    connections.secure(socket);
    socket.once('error', () => socket.destroy());
  });
  // A failed handshake is the peer's business; without a listener Node would only close the socket as well.
  server.on('tlsClientError', (_error, socket) => {
    counts.failedHandshakes += 1;
    socket.destroy();
  });
  server.on('drop', (dropped) => {
    queue.noteTaken(dropped?.remoteAddress);
    counts.refused += 1;
  });
  server.on('clientError', (error, socket: Socket) => {
    const peer = connections.addressOf(socket) ?? '';
    const answered = answerBrokenRequest(error, socket, {
      answer: underWay.get(socket),
      unreadableBody,
      peer,
    });
    if (answered) options.onUnreadable?.(answered);
  });
  return {
    server,
    counts,
    setAccepting(accepting) {
      // Node closes what is beyond this before anything else is made of it; what is open stays.
      if (accepting) server.maxConnections = Number.POSITIVE_INFINITY;
      else server.maxConnections = 1;
    },
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
function isSupported({ httpVersion, headers, headersDistinct }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding'];
  const isPlain = coding === undefined || coding.toLowerCase() === 'chunked';
  return httpVersion === '1.1' && headersDistinct.host?.length === 1 && isPlain;
}

const BROKEN_REQUEST_STATUS: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};

const stockBody: NonNullable<TlsListenerOptions['unreadableBody']> = () => ({
  type: 'text/plain; charset=utf-8',
  text: `${STOCK_TEXT.bodyNotValid}\n`,
});

/**
 * Answers what is no HTTP request, or none in time, in as few bytes as it deserves; undefined where there is nothing to
 * answer. `answer` is what an earlier request on the same connection is being answered with.
 */
function answerBrokenRequest(
  error: Error & { code?: string },
  socket: Socket,
  {
    answer,
    unreadableBody,
    peer,
  }: { readonly answer: ServerResponse | undefined; readonly peer: string } & Required<
    Pick<TlsListenerOptions, 'unreadableBody'>
  >,
): UnreadableAnswer | undefined {
  // The broken bytes follow a complete request or its answer. That answer is sent and closes the connection.
  if (answer && (answer.req.complete || answer.writableEnded) && isUnreadable(error)) return undefined;
  if (!socket.writable || answer?.headersSent) {
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
  return { status, peer, requestId };
}

/** True for an error of Node's HTTP parser, as opposed to one of the connection. */
function isUnreadable(error: { readonly code?: string }): boolean {
  return error.code?.startsWith('HPE_') ?? false;
}
