import { connect } from 'node:tls';
import { privateKeyPem } from '../../../src/pki/keys.js';
import type { OpenSsl } from '../../unit/pki/openssl.js';
import type { TestIdentity } from '../server-identity.js';
import { startOpensslRouter } from './openssl-router.js';
import type { TestLink } from './test-link.js';

/** A link's key and certificate, and the CA (PEM) that its site trusts. */
export interface LinkPair extends TestLink {
  readonly ca: string;
}

/**
 * Connects with each pair to an `openssl s_server` that has the certificate of `identity` and trusts `clientCa`. Returns for
 * each pair `linked`, or the code of the error.
 */
export async function dialEach(
  openssl: OpenSsl,
  pairs: readonly LinkPair[],
  identity: TestIdentity,
  clientCa: string,
): Promise<string[]> {
  // In TLS 1.2 the handshake fails if either side refuses the other's certificate.
  const words = ['-tls1_2', '-cert_chain', openssl.write('router-chain.pem', identity.cert)];
  const router = await startOpensslRouter(identity, { clientCa, words });
  try {
    const verdicts: string[] = [];
    for (const pair of pairs) {
      verdicts.push(
        await new Promise((resolve) => {
          const { certificate: cert, ca, key } = pair;
          const options = { host: '127.0.0.1', port: router.port, cert, ca, key: privateKeyPem(key) };
          const socket = connect({ ...options, maxVersion: 'TLSv1.2' }, () => {
            resolve('linked');
            socket.destroy();
          });
          socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
        }),
      );
    }
    return verdicts;
  } finally {
    await router.close();
  }
}
