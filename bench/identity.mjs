import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { newCodeId } from '../dist/codes/code-id.js';
import { mintSignedCode } from '../dist/codes/signed-code.js';
import { grantSigningKey } from '../dist/codes/signing-keys.js';
import { CodeKeyDirectory } from '../dist/platforms/standalone/code-key-directory.js';
import { compareSides, ROUNDS } from './compare.mjs';
import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';

const ISSUER = 'https://issuer.bench.example.com';
const AUDIENCE = 'bench';
const HOUR_MS = 3_600_000;

/** Compares redemptions with identity tokens (ES256), each of another site, with those with signed codes, each for one use. */
export async function measureIdentity({ driver, requests }) {
  const { directory, remove } = temporaryDirectory();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = join(directory, 'bench-jwks.json');
  writeFileSync(keys, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench' }] }));
  const identities = JSON.stringify({ bench: { issuer: ISSUER, keys, audience: AUDIENCE } });
  const service = await startService(directory, ['--identities', identities]);
  try {
    const { grants, ca } = await makeGrants(directory, { policy: { identities: ['bench:*'] } });
    const masterKey = await new CodeKeyDirectory(directory, Date.now).current();
    const signedCode = ({ uid }) => {
      const issuedAt = Date.now();
      const code = { jti: newCodeId(), grantUid: uid, uses: 1, issuedAt, expirationTime: issuedAt + HOUR_MS };
      return mintSignedCode(code, grantSigningKey(masterKey, uid));
    };
    const identityToken = (_, site) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(site)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey);
    const sides = [signedCode, identityToken].map((codeOf) => ({
      service,
      ca,
      source: new RequestSource(grants, 'csr', codeOf),
    }));
    const [signed, identity] = await compareSides({ driver, sides, requests });
    const identityRatio = identity.serverCpuMs / signed.serverCpuMs;
    return { requests: requests * ROUNDS, signed, identity, identityRatio };
  } finally {
    await service.stop();
    remove();
  }
}
