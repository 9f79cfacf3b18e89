import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { identityIssuer } from './identity-issuer.js';

/** Starts an identity provider on this machine that publishes its key; `respondWith` replaces its responses. */
export async function startProvider() {
  const requests: string[] = [];
  let issuer = identityIssuer();
  let respond: RequestListener | undefined;
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (respond) return respond(request, response);
    const { iss } = issuer;
    const isMetadata = request.url === '/.well-known/openid-configuration';
    const body = isMetadata ? { issuer: iss, jwks_uri: `${iss}/jwks` } : { keys: [issuer.jwk] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const iss = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  issuer = identityIssuer('ES256', { iss });
  return {
    iss,
    requests,
    issuer: () => issuer,
    rotate(kid: string) {
      issuer = identityIssuer('ES256', { iss, kid });
    },
    respondWith(listener: RequestListener | undefined) {
      respond = listener;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
