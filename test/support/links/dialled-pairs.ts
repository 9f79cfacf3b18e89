import { connect } from 'node:tls';
import { findIssuer, SITE_CA } from '../../../src/compose/site-issuer.js';
import { loadConfiguration } from '../../../src/config/config.js';
import { privateKeyPem } from '../../../src/pki/keys.js';
import type { OpenSsl } from '../../unit/pki/openssl.js';
import type { TestIdentity } from '../server-identity.js';
import type { TestService } from '../service.js';
import { startOpensslRouter } from './openssl-router.js';
import type { LinkPair } from './test-link.js';

/** Returns the PEM of all CAs that sign the links of a service, which a router has to trust. */
export async function trustedCas({ directory, clock }: TestService): Promise<string> {
  const { settings } = loadConfiguration({ dataDir: directory }, {});
  const found = await findIssuer(settings, SITE_CA, clock.read());
  if (typeof found === 'string') throw new Error(found);
  return found.trustPem;
}

/** The results of {@link dialEach} if every pair connects. */
export const allLinked = (pairs: readonly LinkPair[]) => pairs.map(() => 'linked');

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
  const flags = ['-tls1_2', '-cert_chain', openssl.write('router-chain.pem', identity.cert)];
  const router = await startOpensslRouter(identity, { clientCa, words: flags });
  try {
    const results: string[] = [];
    for (const pair of pairs) {
      results.push(
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
    return results;
  } finally {
    await router.close();
  }
}
