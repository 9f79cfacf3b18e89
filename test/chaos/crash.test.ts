import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ENDPOINT, expectSuccess, type Serving } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { directoryForTest } from '../support/release.js';
import { type RunConditions, run, runProcess, serve } from './commands.js';

const HOUR_MS = 3_600_000;

let place: string;
let accepting: string;
let port: number;
let services: Serving[];

beforeEach(async () => {
  place = directoryForTest();
  accepting = join(place, 'accepting');
  // A restarted service has to come back under the token's URL.
  port = await freePort();
  services = [];
});

afterEach(async () => {
  for (const service of services) await service.stop();
});

async function startService(conditions: RunConditions = {}): Promise<Serving> {
  const words = ['--data-dir', accepting, '--listen', `127.0.0.1:${port}`, ...ENDPOINT];
  const service = await serve(words, conditions);
  services.push(service);
  return service;
}

async function issueToken(...limits: string[]): Promise<string> {
  const file = join(place, 'token.yaml');
  expectSuccess(await run(['token', 'issue', file, '--name', 'west', '--data-dir', accepting, ...limits]));
  return file;
}

const links = () => join(place, 'links');

function redeem(token: string, conditions: RunConditions = {}, runCommand = run, flags: string[] = []) {
  return runCommand(
    ['token', 'redeem', token, '--to', links(), '--data-dir', join(place, 'requesting'), ...flags],
    conditions,
  );
}

function secretSerial(): string {
  const secret = parse(readFileSync(join(links(), 'Secret-west.yaml'), 'utf8'));
  return new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64')).serialNumber.toLowerCase();
}

async function ledger(): Promise<{ readonly count: number; readonly serials: readonly string[] }> {
  const grants = await run(['grant', 'list', '-o', 'json', '--data-dir', accepting]);
  const redemptions = await run(['redemption', 'list', '-o', 'json', '--data-dir', accepting]);
  expectSuccess(await run(['ledger', 'verify', '--data-dir', accepting]));
  const serials = JSON.parse(redemptions.stdout).map(({ serial }: { serial: string }) => serial);
  return { count: JSON.parse(grants.stdout)[0].redemptions, serials: [...new Set<string>(serials)] };
}

const withoutZeros = (serial: string) => serial.replace(/^0+/, '');

const BEFORE_COMMIT = ['before-signing', 'after-signing', 'before-commit'];
const AFTER_COMMIT = ['after-commit', 'before-answer', 'half-answer'];

describe('a service that is killed in the middle of a redemption', () => {
  for (const limit of ['1', '3']) {
    it.each([...BEFORE_COMMIT, ...AFTER_COMMIT])(
      `counts exactly the recorded redemptions when killed at %s (limit ${limit})`,
      async (checkpoint) => {
        const killed = await startService({ killedAt: checkpoint });
        const token = await issueToken('--redemptions-allowed', limit);
        const lost = await redeem(token);
        expect((await killed.ended).signal).toBe('SIGKILL');
        expect(lost.code, lost.stderr).toBe(4);

        const recorded = AFTER_COMMIT.includes(checkpoint) ? 1 : 0;
        const afterCrash = await ledger();
        expect(afterCrash.count).toBe(recorded);
        expect(afterCrash.serials).toHaveLength(recorded);

        await startService();
        expectSuccess(await redeem(token));
        const afterRepeat = await ledger();
        expect(afterRepeat.count).toBe(1);
        expect(afterRepeat.serials).toHaveLength(1);
        expect(withoutZeros(secretSerial())).toBe(withoutZeros(afterRepeat.serials[0] as string));
        if (recorded === 1) expect(afterRepeat.serials).toEqual(afterCrash.serials);
      },
    );
  }

  it.each(AFTER_COMMIT)(
    'when killed at %s, returns the recorded certificate also after the grant has expired',
    async (checkpoint) => {
      const killed = await startService({ killedAt: checkpoint });
      const token = await issueToken('--expiration-window', '10m');
      await redeem(token);
      expect((await killed.ended).signal).toBe('SIGKILL');
      const { serials } = await ledger();

      await startService({ clockOffsetMs: HOUR_MS });
      expectSuccess(await redeem(token));
      expect(withoutZeros(secretSerial())).toBe(withoutZeros(serials[0] as string));
      expect((await ledger()).count).toBe(1);
    },
  );
});

describe('a repeated token redeem', () => {
  it('restores the same link after its files were deleted, while the service is stopped', async () => {
    const service = await startService();
    const token = await issueToken();
    expect((await redeem(token)).code).toBe(0);
    const serial = secretSerial();
    await service.stop();
    rmSync(links(), { recursive: true });
    expectSuccess(await redeem(token));
    expect(secretSerial()).toBe(serial);
  });
});

describe('token redeem in one data directory', () => {
  it('twenty concurrent redemptions of a single-use token succeed, spend one use and leave one link', async () => {
    await startService();
    const token = await issueToken();
    const ends = await Promise.all(
      Array.from({ length: 20 }, () =>
        // Twenty processes that start at once slow one another down.
        redeem(token, {}, runProcess, ['--timeout', '2m']),
      ),
    );
    for (const ended of ends) expectSuccess(ended);
    const { count, serials } = await ledger();
    expect(count).toBe(1);
    expect(serials.map(withoutZeros)).toEqual([withoutZeros(secretSerial())]);
    expect(readdirSync(links()).sort()).toEqual(['Link-west.yaml', 'Secret-west.yaml']);
  });
});
