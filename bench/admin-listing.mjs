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

/** An admin API that knows one issuer: flags for `serve`, and a function that signs the bearer token of a viewer. */
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

/** One page on a connection of its own, and how long it took. */
function page({ port, ca, bearer }, cursor) {
  const path = `/api/v1/grants?limit=${LIMIT}${cursor === undefined ? '' : `&cursor=${cursor}`}`;
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, path, agent: false };
    const asked = request({ ...options, headers: { authorization: `Bearer ${bearer}` } }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.once('end', () => {
        const { items, next } = JSON.parse(Buffer.concat(pieces).toString());
        if (items?.length !== LIMIT) reject(new Error(`no page of grants: ${answer.statusCode}`));
        else resolve({ ms: performance.now() - start, next });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Reads pages of grants, and gives the median of their times in milliseconds. `from` names a grant in the middle. */
export async function listPages(admin, from) {
  const middle = Buffer.from(JSON.stringify(['default', from])).toString('base64url');
  const times = [];
  for (const start of [undefined, middle]) {
    let cursor = start;
    for (let read = 0; read < PAGES; read++) {
      const { ms, next } = await page(admin, cursor);
      times.push(ms);
      cursor = next;
    }
  }
  return { listMs: median(times), longestListMs: Math.max(...times) };
}
