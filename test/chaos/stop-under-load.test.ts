import { once } from 'node:events';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ENDPOINT, json, linkgrant, type Serving, Workplace } from '../support/command-line.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { parseResponse } from '../support/wire.js';

const CLIENTS = 40;
// A stopping service closes the connections that remain after 4.5 s. So much time passes only on a slow machine.
const DRAIN_MS = 4_000;

/** The bytes of a response, and when its connection ended. */
interface Received {
  readonly bytes: Buffer;
  readonly endedAt: number;
}

const place = releaseAfterFile(new Workplace());

/** Redeems once. Returns the response, or undefined if the service did not accept the connection. */
async function redeem(token: { url: string; ca: string; code: string }): Promise<Received | undefined> {
  const { hostname, port, pathname } = new URL(token.url);
  const socket = connect({ host: hostname, port: Number(port), ca: token.ca });
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  const isAccepted = await Promise.race([
    once(socket, 'secureConnect').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(() => false),
  ]);
  if (!isAccepted) return undefined;
  socket.on('error', () => undefined);
  const { csr } = csrHeader();
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    'Host: h',
    `csr: ${csr}`,
    `Content-Length: ${token.code.length}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${token.code}`);
  await once(socket, 'close');
  return { bytes: Buffer.concat(pieces), endedAt: performance.now() };
}

/** Redeems until three connections were not accepted. Adds each response to `answers`. */
async function redeemUntilRefused(token: Parameters<typeof redeem>[0], answers: Received[]): Promise<void> {
  let refusals = 0;
  while (refusals < 3) {
    const answer = await redeem(token);
    if (answer) answers.push(answer);
    else refusals += 1;
  }
}

describe('a service that receives SIGTERM while many clients redeem', () => {
  it.each([1, 2])(
    'answers every accepted request, accepts no more, and exits with 0 (processes: %i)',
    async (workers) => {
      const dataDir = place.path(`data-${workers}`);
      const service: Serving = await place.serve([
        ...['--data-dir', dataDir, '--workers', String(workers)],
        ...ENDPOINT,
      ]);
      const issue = ['token', 'issue', '-', '--redemptions-allowed', '100000', '--data-dir', dataDir];
      const token = parse((await linkgrant(issue)).stdout).spec;
      const answers: Received[] = [];
      const clients = Array.from({ length: CLIENTS }, () => redeemUntilRefused(token, answers));
      await expect.poll(() => answers.length, { timeout: 60_000 }).toBeGreaterThan(CLIENTS);
      service.signal('SIGTERM');
      const closesAt = performance.now() + DRAIN_MS;
      expect(await service.ended).toEqual({ code: 0, signal: null });
      await Promise.all(clients);
      const complete = answers.filter(({ bytes, endedAt }) => bytes.length > 0 || endedAt < closesAt);
      const certificates = complete.map(({ bytes }) => redeemedAnswer(parseResponse(bytes)).certificate);
      expect(new Set(certificates).size).toBe(complete.length);
      // Every counted use has a response.
      const listed = await linkgrant(['grant', 'list', '-o', 'json', '--data-dir', dataDir]);
      expect(json(listed)[0].redemptions).toBeGreaterThanOrEqual(complete.length);
      expect(json(listed)[0].redemptions).toBeLessThanOrEqual(answers.length);
    },
    180_000,
  );
});
