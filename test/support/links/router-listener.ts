import { join } from 'node:path';
import { createServer } from 'node:tls';
import { readIdentity } from '../server-identity.js';
import { type LocalServer, listenLocally } from '../servers/local-server.js';
import { RECORDED_SITES } from '../sites/system-site.js';

const RECORDED_CREDENTIALS = join(RECORDED_SITES, 'west/runtime/certs/west');

/** A listener in place of a router, with the server certificate and the trusted CA of an accepting site. */
export interface RouterListener extends LocalServer {
  /** Common names of the client certificates that were accepted. */
  readonly peers: string[];
  /** The SNI of each accepted connection; `false` for none. */
  readonly serverNames: string[];
}

/**
 * Starts a listener on 127.0.0.1. Port 0 selects a free port; `credentials` is a directory with `tls.crt`, `tls.key` and
 * `ca.crt`. The listener requires a client certificate (TLS 1.3), and answers any data with an AMQP header.
 */
export async function startRouterListener(
  port = 0,
  credentials = RECORDED_CREDENTIALS,
): Promise<RouterListener> {
  const peers: string[] = [];
  const serverNames: string[] = [];
  const server = createServer(
    {
      ...readIdentity(credentials),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    (socket) => {
      socket.on('error', () => undefined);
      const { CN } = socket.getPeerCertificate().subject;
      peers.push(String(CN));
      serverNames.push(String(socket.servername));
      // Like a router, answer the client's AMQP header with the one for SASL.
      socket.on('data', () => socket.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0])));
    },
  );
  server.on('tlsClientError', () => undefined);
  return { ...(await listenLocally(server, port)), peers, serverNames };
}
