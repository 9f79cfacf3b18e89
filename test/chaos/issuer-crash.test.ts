import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Serving } from '../support/command-line.js';
import { directoryForFile } from '../support/release.js';
import { run, serve } from './commands.js';

const MINUTE_MS = 60_000;
const ISSUERS = ['skupper-site-ca', 'linkgrant-server-ca'] as const;
/** The moments of each act at which it can die, and what it has then come to. */
const MOMENTS = [
  ['prepare', 'ca-made', ['active']],
  ['prepare', 'ca-prepared', ['active', 'prepared']],
  ['activate', 'old-ca-kept', ['active', 'prepared']],
  ['activate', 'ca-activated', ['active', 'retiring']],
  ['activate', 'ca-key-placed', ['active', 'retiring']],
  ['activate', 'next-emptied', ['active', 'retiring']],
  ['retire', 'old-ca-key-removed', ['active', 'retiring']],
] as const;
const STATES = {
  prepare: ['active', 'prepared'],
  activate: ['active', 'retiring'],
  retire: ['active'],
} as const;
const ACTS = ['prepare', 'activate', 'retire'] as const;

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
  const endpoint = ['--endpoint', 'inter-router=router.example.com:55671'];
  service = await serve(['--data-dir', data, '--listen', '127.0.0.1:0', ...endpoint]);
}

/** Runs an act on an issuer; every one a minute later than the one before, so that nothing has to be waited for. */
function change(act: (typeof ACTS)[number], issuer: string, killedAt?: string) {
  // All grants and links are of before, and forced or not is not what dies here.
  const words = ['issuer', act, issuer, '--data-dir', data, ...(act === 'retire' ? ['--force'] : [])];
  const clockOffsetMs = ACTS.indexOf(act) * MINUTE_MS;
  return run(words, killedAt === undefined ? { clockOffsetMs } : { killedAt, clockOffsetMs });
}

async function states(issuer: string): Promise<string[]> {
  const listed = await run(['issuer', 'list', '-o', 'json', '--data-dir', data]);
  const cas = JSON.parse(listed.stdout) as { issuer: string; state: string }[];
  return cas.filter((ca) => ca.issuer === issuer).map(({ state }) => state);
}

/** Issues a token and redeems it; gives the exit code and what was said. */
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
    'in %s at %s leaves an issuer that signs, and completes when it is repeated',
    async (act, moment, left) => {
      for (const earlier of ACTS.slice(0, ACTS.indexOf(act))) {
        const done = await change(earlier, issuer);
        expect(done.code, done.stderr).toBe(0);
      }
      if (act === 'retire') {
        // A service that runs takes up the new CA by itself, in less than the minute that the commands' clock is ahead.
        await service.stop();
        await startService();
      }
      expect((await change(act, issuer, moment)).signal).toBe('SIGKILL');
      expect(await states(issuer)).toEqual(left);
      expect(await redeemAnother()).toEqual([0, '']);

      const repeated = await change(act, issuer);
      expect(repeated.code, repeated.stderr).toBe(0);
      expect(await states(issuer)).toEqual(STATES[act]);
      expect(await redeemAnother()).toEqual([0, '']);
      for (const later of ACTS.slice(ACTS.indexOf(act) + 1)) {
        const done = await change(later, issuer);
        expect(done.code, done.stderr).toBe(0);
      }
      expect(await states(issuer)).toEqual(['active']);
      expect(readdirSync(join(data, 'issuers', issuer, 'trusted'))).toEqual([]);
    },
  );
});
