import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { adminFlags, askAdmin, makeIssuerKey, signBearer } from '../support/admin-api.js';
import { ENDPOINT, linkgrant, Workplace } from '../support/command-line.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { openTcp, post, type Target } from '../support/wire.js';

// Concurrent connections of a flood: enough to keep one core busy.
const FLOOD_CONNECTIONS = 200;
const REQUESTS = 10;

const FLOODER = resolve(import.meta.dirname, 'flooder.mjs');

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');

const key = await makeIssuerKey('first');
const service = await place.serve([
  ...['--data-dir', dataDir, ...ENDPOINT, '--ops-listen', '127.0.0.1:0'],
  ...adminFlags(key, place.path('jwks.json')),
]);
const issue = ['token', 'issue', '-', '--redemptions-allowed', '1000', '--data-dir', dataDir];
const { url, ca, code } = parse((await linkgrant(issue)).stdout).spec;
const token = { path: new URL(url).pathname, code };
const publicSide = { port: service.port, ca };
const admin = { port: service.adminPort, ca };
const bearer = await signBearer(key, Date.now());

/** Runs `work` while another process repeats `request` to this port, on many connections at a time. */
async function during(work: () => Promise<void>, { port }: Target, request: string): Promise<void> {
  const flooder = fork(FLOODER, [String(port), '127.0.0.66', String(FLOOD_CONNECTIONS), request]);
  try {
    await once(flooder, 'message');
    await work();
  } finally {
    flooder.disconnect();
  }
}

async function redeemOften(): Promise<void> {
  for (let count = 0; count < REQUESTS; count += 1) {
    const from = { from: '127.0.0.2', headers: csrHeader() };
    redeemedAnswer(await post(publicSide, token.path, token.code, from));
  }
}

async function administerOften(): Promise<void> {
  for (let count = 0; count < REQUESTS; count += 1) {
    const answer = await askAdmin(admin, 'GET', '/api/v1/grants', { bearer, from: '127.0.0.2' });
    expect(answer.status).toBe(200);
  }
}

const readiness = async () => (await fetch(`http://127.0.0.1:${service.opsPort}/readyz`)).status;

describe('a flood', { timeout: 300_000 }, () => {
  it("a flood of wrong codes at the service's listener does not affect administrators", async () => {
    const guess = `POST ${token.path} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nwrong`;
    await during(administerOften, publicSide, guess);
    expect(await readiness()).toBe(200);
  });

  it('a flood of invalid bearer tokens at the admin API does not affect redemption', async () => {
    const guess = 'GET /api/v1/grants HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a.b.c\r\n\r\n';
    await during(redeemOften, admin, guess);
    expect(await readiness()).toBe(200);
  });

  it('half-open connections and slow senders stop no listener', async () => {
    const opened: Socket[] = [];
    const open = async ({ port, ca }: Target, at: number) => {
      const socket = await openTcp(port, `127.0.0.${10 + (at % 10)}`);
      opened.push(socket);
      // By `at % 4`: no handshake; no request; an unfinished header; an unfinished body.
      if (at % 4 === 0) return;
      const secured = connect({ socket, ca, host: '127.0.0.1' });
      secured.on('error', () => undefined).resume();
      await Promise.race([once(secured, 'secureConnect'), once(socket, 'close')]);
      if (at % 4 > 1) secured.write('POST /api/v1/grants HTTP/1.1\r\nHost: h\r\n');
      if (at % 4 === 3) secured.write('Content-Length: 24\r\n\r\nha');
    };
    for (let at = 0; at < 400; at += 20) {
      const some = Array.from({ length: 20 }, (_, more) => at + more);
      await Promise.all(some.flatMap((one) => [open(publicSide, one), open(admin, one)]));
    }
    // More connections to the operations listener than it accepts.
    for (let at = 0; at < 200; at += 1) opened.push(await openTcp(service.opsPort));
    await administerOften();
    await redeemOften();
    expect(await readiness()).toBe(200);
    for (const socket of opened) socket.destroy();
  });
});
