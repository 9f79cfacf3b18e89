import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENDPOINT, expectSuccess, type Serving } from '../support/command-line.js';
import { directoryForFile } from '../support/release.js';
import { run, serve } from './commands.js';

const MINUTE_MS = 60_000;
const ISSUERS = ['skupper-site-ca', 'linkgrant-server-ca'] as const;
/** The checkpoints at which each operation can be killed, and the states of the CAs after that. */
const MOMENTS = [
  ['prepare', 'ca-made', ['active']],
  ['prepare', 'ca-prepared', ['active', 'prepared']],
  ['activate', 'old-ca-kept', ['active', 'prepared']],
  ['activate', 'ca-activated', ['active', 'retiring']],
  ['activate', 'ca-key-placed', ['active', 'retiring']],
  ['activate', 'next-emptied', ['active', 'retiring']],
  ['retire', 'old-ca-key-removed', ['active', 'retiring']],
] as const;
/** The states of the CAs after each completed operation. */
const STATES = {
  prepare: ['active', 'prepared'],
  activate: ['active', 'retiring'],
  retire: ['active'],
} as const;
const OPERATIONS = ['prepare', 'activate', 'retire'] as const;

let service: Serving;
let data: string;
let tokens = 0;

const place = directoryForFile();

beforeEach(async () => {
  data = mkdtempSync(join(place, 'accepting-'));
  await startService();
});
afterEach(() => service.stop());

async function startService(): Promise<void> {
  service = await serve(['--data-dir', data, '--listen', '127.0.0.1:0', ...ENDPOINT]);
}

/** Runs an operation on an issuer. Its clock is a minute ahead of the operation before, so that it need not wait. */
function change(operation: (typeof OPERATIONS)[number], issuer: string, killedAt?: string) {
  // All grants and links are older than the new CA, so `retire` needs --force.
  const words = [
    'issuer',
    operation,
    issuer,
    '--data-dir',
    data,
    ...(operation === 'retire' ? ['--force'] : []),
  ];
  const clockOffsetMs = OPERATIONS.indexOf(operation) * MINUTE_MS;
  return run(words, killedAt === undefined ? { clockOffsetMs } : { killedAt, clockOffsetMs });
}

async function states(issuer: string): Promise<string[]> {
  const listed = await run(['issuer', 'list', '-o', 'json', '--data-dir', data]);
  const cas = JSON.parse(listed.stdout) as { issuer: string; state: string }[];
  return cas.filter((ca) => ca.issuer === issuer).map(({ state }) => state);
}

/** Issues a token and redeems it. Returns the exit code, and standard error if a command failed. */
async function redeemAnother(): Promise<readonly [number | null, string]> {
  tokens += 1;
  const token = join(data, `token-${tokens}.yaml`);
  const issued = await run(['token', 'issue', token, '--name', `link-${tokens}`, '--data-dir', data]);
  if (issued.code !== 0) return [issued.code, issued.stderr];
  const to = join(data, 'links');
  const { code, stderr } = await run([
    'token',
    'redeem',
    token,
    '--to',
    to,
    '--data-dir',
    join(data, 'requesting'),
  ]);
  return [code, code === 0 ? '' : stderr];
}

describe.each(ISSUERS)('a killed rotation of %s', (issuer) => {
  it.each(MOMENTS)(
    'the issuer still signs after a kill in %s at %s, and the repeated command completes',
    async (operation, moment, left) => {
      for (const earlier of OPERATIONS.slice(0, OPERATIONS.indexOf(operation))) {
        expectSuccess(await change(earlier, issuer));
      }
      if (operation === 'retire') {
        // The service loads the new CA within a minute. Only the clock of the commands is ahead, so restart the service.
        await service.stop();
        await startService();
      }
      expect((await change(operation, issuer, moment)).signal).toBe('SIGKILL');
      expect(await states(issuer)).toEqual(left);
      expect(await redeemAnother()).toEqual([0, '']);

      expectSuccess(await change(operation, issuer));
      expect(await states(issuer)).toEqual(STATES[operation]);
      expect(await redeemAnother()).toEqual([0, '']);
      for (const later of OPERATIONS.slice(OPERATIONS.indexOf(operation) + 1)) {
        expectSuccess(await change(later, issuer));
      }
      expect(await states(issuer)).toEqual(['active']);
      expect(readdirSync(join(data, 'issuers', issuer, 'trusted'))).toEqual([]);
    },
  );
});
