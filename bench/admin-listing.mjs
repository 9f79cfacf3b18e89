import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { median } from './statistics.mjs';

const ISSUER = 'https://id.bench.example.com';
const AUDIENCE = 'linkgrant';
const PAGES = 20;
const LIMIT = 100;

/** Flags of `serve` for an admin API with one OIDC issuer, and a function that signs the bearer token of a viewer. */
export async function adminAccess(directory) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = join(directory, 'jwks.json');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  writeFileSync(jwks, JSON.stringify({ keys: [jwk] }));
  const bearerOf = (subject) =>
    new SignJWT({ roles: ['linkgrant-viewer'] })
      .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  const trust = ['--admin-issuer', ISSUER, '--admin-audience', AUDIENCE, '--admin-jwks', jwks];
  return { flags: ['--admin-listen', '127.0.0.1:0', ...trust], bearerOf };
}

/** Reads a page of a list on a new connection. Resolves with its time, its items and the cursor of the next page. */
export function readPage({ port, ca, bearer }, path) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, path, agent: false };
    const sent = request({ ...options, headers: { authorization: `Bearer ${bearer}` } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.once('end', () => {
        const { items, next } = JSON.parse(Buffer.concat(chunks).toString());
        if (!items) reject(new Error(`no page: ${response.statusCode}`));
        else resolve({ ms: performance.now() - start, items, next });
      });
    });
    sent.once('error', reject);
    sent.end();
  });
}

/** Reads 20 pages of grants from the first one, and 20 after the grant `from`. Returns the median and longest times. */
export async function listPages(admin, from) {
  const middle = Buffer.from(JSON.stringify(['default', from])).toString('base64url');
  const times = [];
  for (const start of [undefined, middle]) {
    let cursor = start;
    for (let count = 0; count < PAGES; count++) {
      const after = cursor === undefined ? '' : `&cursor=${cursor}`;
      const { ms, items, next } = await readPage(admin, `/api/v1/grants?limit=${LIMIT}${after}`);
      if (items.length !== LIMIT) throw new Error('a page of grants is not full');
      times.push(ms);
      cursor = next;
    }
  }
  return { listMs: median(times), longestListMs: Math.max(...times) };
}
