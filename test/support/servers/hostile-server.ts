import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureVersion, type TLSSocket } from 'node:tls';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { makeIdentity, type TestIdentity } from '../server-identity.js';
import { type LocalServer, listenLocally } from './local-server.js';

/** A request that a test server received. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server on 127.0.0.1, and a token that leads to it. */
export interface TestServer extends LocalServer {
  readonly token: AccessToken;
  /** Every complete request so far. */
  readonly seen: SeenRequest[];
  /** How many connections were accepted so far. */
  connections(): number;
}

export interface TestServerOptions {
  readonly identity?: TestIdentity;
  readonly maxVersion?: SecureVersion;
}

/** The received requests that redeem: all except checks. */
export const postings = ({ seen }: Pick<TestServer, 'seen'>): SeenRequest[] =>
  seen.filter(({ url }) => !url.endsWith('/-/check'));

export const CODE = 'h7YpSvsxSCKO0j3E5zD7WULC';
const PATH = '/0bde3bc8-a4a2-404a-bfbe-44fdf7bf3232';

/** A token for a service on a port of 127.0.0.1. */
export function tokenFor(port: number, ca: string, scheme = 'https'): AccessToken {
  return { name: 'my-link', url: `${scheme}://127.0.0.1:${port}${PATH}`, code: CODE, ca };
}

async function listen(server: Server, ca: string, seen: SeenRequest[] = []): Promise<TestServer> {
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const listening = await listenLocally(server);
  return { ...listening, token: tokenFor(listening.port, ca), seen, connections: () => connections };
}

/** Returns a listener that records each complete request, then passes it to `handle`. */
function recording(
  seen: SeenRequest[],
  handle: (request: SeenRequest, ...rest: Parameters<RequestListener>) => void,
) {
  return (...[request, response]: Parameters<RequestListener>) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const complete = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(complete);
      handle(complete, request, response);
    });
  };
}

/** An HTTPS server that passes each complete request to `handle`. */
export async function serveHttps(
  handle: (request: SeenRequest, ...rest: Parameters<RequestListener>) => void,
  options: TestServerOptions = {},
): Promise<TestServer> {
  const identity = options.identity ?? (await makeIdentity());
  const { maxVersion = 'TLSv1.3' } = options;
  const seen: SeenRequest[] = [];
  const server = createHttpsServer(
    { ...identity, maxVersion, minVersion: 'TLSv1.2' },
    recording(seen, handle),
  );
  server.on('tlsClientError', () => undefined);
  return listen(server, identity.ca, seen);
}

/** Sends responses with status 200, complete or truncated. */
export class ResponseSender {
  #truncations = 0;
  #onLast = () => {};

  /** Truncates the next `count` responses, and calls `onLast` before the last of them. */
  truncateNext(count: number, onLast = () => {}): void {
    this.#truncations = count;
    this.#onLast = onLast;
  }

  send(response: ServerResponse, body: string): void {
    if (this.#truncations === 0) {
      response.end(body);
      return;
    }
    this.#truncations -= 1;
    if (this.#truncations === 0) this.#onLast();
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.slice(0, body.length / 2), () => response.destroy());
  }
}

/** An HTTP server without TLS. */
export async function servePlain(handle: RequestListener): Promise<TestServer> {
  const { ca } = await makeIdentity();
  const seen: SeenRequest[] = [];
  const server = createHttpServer(
    recording(seen, (_complete, request, response) => handle(request, response)),
  );
  return listen(server, ca, seen);
}

/** A TLS server that reads the head of a request, then passes the connection and the head to `act`. */
export async function serveBytes(act: (socket: TLSSocket, head: string) => void): Promise<TestServer> {
  const identity = await makeIdentity();
  const server = createTlsServer({ ...identity, minVersion: 'TLSv1.3' }, (socket) => {
    let head = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const before = head.includes('\r\n\r\n');
      head += chunk.toString('latin1');
      if (!before && head.includes('\r\n\r\n')) act(socket, head);
    });
  });
  server.on('tlsClientError', () => undefined);
  return listen(server, identity.ca);
}

/** A TCP server that passes each connection to `act`. */
export async function serveTcp(act: (socket: Socket) => void): Promise<TestServer> {
  const { ca } = await makeIdentity();
  return listen(createTcpServer(act), ca);
}
