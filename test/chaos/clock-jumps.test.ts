import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adminFlags, askAdmin, makeIssuerKey, signBearer } from '../support/admin-api.js';
import { ENDPOINT, Workplace } from '../support/command-line.js';
import { readOperations } from '../support/operations.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { HOUR } from '../support/service.js';
import { post } from '../support/wire.js';

const CLOCK = `${import.meta.dirname}/movable-clock.mjs`;

const place = releaseAfterFile(new Workplace());
let moved = 0;
let offset = 0;

const key = await makeIssuerKey('first');
const words = [
  ...['--data-dir', place.path('data'), ...ENDPOINT, '--ops-listen', '127.0.0.1:0'],
  ...adminFlags(key, place.path('jwks.json')),
];
const env = { NODE_OPTIONS: `--require "${CLOCK}"`, CLOCK_OFFSET_FILE: place.path('offset') };
const service = await place.serve(words, { env });
const ca = readFileSync(place.path('data', 'issuers', 'linkgrant-server-ca', 'tls.crt'), 'utf8');
const target = { port: service.port, ca };

/** Sets the clock of the service to `ms` after the right time. */
async function setClock(ms: number): Promise<void> {
  offset = ms;
  writeFileSync(place.path('offset'), String(ms));
  service.signal('SIGUSR2');
  moved += 1;
  const said = () => service.said.stderr.split('clock_moved').length - 1;
  await expect.poll(said).toBe(moved);
}

/** Creates a grant with the admin API. The bearer token is signed at the service's time. */
async function makeGrant(name: string): Promise<{ path: string; code: string }> {
  const bearer = await signBearer(key, Date.now() + offset);
  const answer = await askAdmin({ port: service.adminPort, ca }, 'POST', '/api/v1/grants', {
    bearer,
    json: { name },
  });
  const { url, code } = JSON.parse(answer.body);
  return { path: new URL(url).pathname, code };
}

const redeem = async ({ path, code }: { path: string; code: string }, headers = csrHeader()) => {
  const answer = await post(target, path, code, { headers });
  return { ...answer, reason: answer.headers['linkgrant-reason'] };
};

async function unreadyParts(): Promise<string[]> {
  const { text } = await readOperations(service, '/readyz');
  const { parts }: { parts: Record<string, { ready: boolean }> } = JSON.parse(text);
  return Object.keys(parts).filter((part) => !parts[part]?.ready);
}

describe('a service whose clock is changed while it serves', () => {
  it('continues after changes by hours, forward and back, and grants and recorded redemptions stay valid', async () => {
    const before = await makeGrant('before');
    await setClock(3 * HOUR);
    expect(await redeem(before)).toMatchObject({ status: 404, reason: 'grant_expired' });
    const during = await makeGrant('during');
    const { csr } = csrHeader();
    const first = redeemedAnswer(await redeem(during, { csr }));
    expect(await unreadyParts()).toEqual([]);
    await setClock(0);
    redeemedAnswer(await redeem(before));
    expect(redeemedAnswer(await redeem(during, { csr })).certificate).toBe(first.certificate);
    expect(await redeem(during)).toMatchObject({ status: 404, reason: 'grant_exhausted' });
    redeemedAnswer(await redeem(await makeGrant('after')));
    expect((await redeem({ ...during, code: 'wrong' })).status).toBe(403);
  });

  it('reports that its CAs are not valid yet, and recovers when the clock is right again', async () => {
    await setClock(-30 * HOUR);
    const grant = await makeGrant('long-ago');
    const headers = csrHeader();
    expect(await redeem(grant, headers)).toMatchObject({ status: 503, reason: 'issuer_unavailable' });
    expect(await unreadyParts()).toContain('issuer');
    await setClock(0);
    const present = await makeGrant('now');
    redeemedAnswer(await redeem(present));
    await expect.poll(unreadyParts, { timeout: 60_000 }).toEqual([]);
  });

  it('fails no redemption if the clock changes repeatedly under load', async () => {
    const statuses = new Set<number>();
    let isOver = false;
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let at = 0; !isOver; at += 1) {
        const grant = await makeGrant(`load-${client}-${at}`).catch(() => undefined);
        // The clock was changed meanwhile, so the bearer token was not valid.
        if (!grant) continue;
        const { status, reason } = await redeem(grant);
        if (reason !== 'grant_expired') statuses.add(status);
      }
    });
    try {
      for (const hours of [1, 5, 0, 3, 2, 6, 0]) {
        await setClock(hours * HOUR);
        redeemedAnswer(await redeem(await makeGrant(`jump-${moved}`)));
      }
    } finally {
      isOver = true;
      await Promise.all(clients);
    }
    expect([...statuses]).toEqual([200]);
    expect(service.said.stderr).not.toContain('"level":"error"');
  });
});
