import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ENDPOINT, json, linkgrant, Workplace } from '../support/command-line.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';

const SLOW_ACCEPT = `${import.meta.dirname}/slow-accept.mjs`;
// 250 connections of 10 ms each wait about 2.5 s: more than the 2 s above which requests are refused.
const ACCEPT_DELAY_MS = 10;
const CROWD = 250;
const SEEN = { timeout: 60_000 };

const place = releaseAfterFile(new Workplace());

/** Starts clients that send no valid handshake, and connect again as soon as the service has closed the connection. */
function crowd(port: number, clients: number): { leave(): Promise<void> } {
  let isOver = false;
  const reconnect = async () => {
    while (!isOver) {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined).resume();
      socket.write('no handshake');
      await new Promise((resolve) => socket.once('close', resolve));
    }
  };
  const all = Array.from({ length: clients }, reconnect);
  return {
    async leave() {
      isOver = true;
      await Promise.all(all);
    },
  };
}

describe('a service whose connections wait long until they are accepted', () => {
  it.each([1, 2])(
    'refuses requests with 503, spends no use, and serves them when the load is gone (processes: %i)',
    async (workers) => {
      const dataDir = place.path(`data-${workers}`);
      const service = await place.serve(
        [...['--data-dir', dataDir, '--workers', String(workers)], ...ENDPOINT],
        { env: { NODE_OPTIONS: `--require "${SLOW_ACCEPT}"`, ACCEPT_DELAY_MS: String(ACCEPT_DELAY_MS) } },
      );
      const issue = ['token', 'issue', '-', '--redemptions-allowed', '1000', '--data-dir', dataDir];
      const { url, ca, code } = parse((await linkgrant(issue)).stdout).spec;
      let redeemed = 0;
      const redeem = async () => {
        const headers = csrHeader();
        const answer = await post({ port: service.port, ca }, new URL(url).pathname, code, { headers });
        if (answer.status === 200 && redeemedAnswer(answer)) redeemed += 1;
        return answer;
      };

      expect((await redeem()).status).toBe(200);
      const others = crowd(service.port, CROWD * workers);
      let answer = await redeem();
      while (answer.status !== 503) answer = await redeem();
      expect(answer.body).toBe('Internal error\n');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(5);
      await expect.poll(() => service.said.stderr, SEEN).toContain('"event":"overloaded"');

      await others.leave();
      await expect.poll(async () => (await redeem()).status, SEEN).toBe(200);
      const listed = await linkgrant(['grant', 'list', '-o', 'json', '--data-dir', dataDir]);
      expect(json(listed)[0].redemptions).toBe(redeemed);
    },
    180_000,
  );
});
