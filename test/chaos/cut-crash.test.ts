import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ENDPOINT, expectSuccess, type Serving } from '../support/command-line.js';
import { directoryForFile } from '../support/release.js';
import { type RunConditions, run, serve } from './commands.js';

const MINUTE_MS = 60_000;
/** The commands that cut a link while one other link exists, and the checkpoints at which each command can be killed. */
const RUNS = [
  { words: [], shows: 'Step 1 of 6', moments: ['ca-made', 'ca-prepared'] },
  {
    words: ['--continue', '1'],
    shows: 'Step 3 of 6',
    moments: ['old-ca-kept', 'ca-activated', 'next-emptied'],
  },
  { words: ['--continue', '3', '--force'], shows: 'Step 4 of 6', moments: [] },
  {
    // No router listens at this address.
    words: ['--continue', '6', '--force', '--connect-to', '::127.0.0.1:1'],
    shows: 'Done: ',
    moments: ['old-ca-key-removed'],
  },
] as const;

let data: string;
let service: Serving;

const place = directoryForFile();
beforeEach(async () => {
  data = mkdtempSync(join(place, 'accepting-'));
  service = await serve(['--data-dir', data, '--listen', '127.0.0.1:0', ...ENDPOINT]);
  for (const name of ['one', 'two']) {
    const token = join(data, `${name}.yaml`);
    await succeed(['token', 'issue', token, '--name', name, '--data-dir', data]);
    const to = ['--to', join(data, 'links'), '--data-dir', join(data, name)];
    await succeed(['token', 'redeem', token, '--renew', ...to]);
  }
  return () => service.stop();
});

async function succeed(words: readonly string[], conditions: RunConditions = {}): Promise<string> {
  const ended = expectSuccess(await run(words, conditions));
  return ended.stdout;
}

const list = async (noun: string) =>
  JSON.parse(await succeed([noun, 'list', '-o', 'json', '--data-dir', data]));
/** Arguments of {@link run}. The clock of each run is a minute ahead of the run before, so that no run has to wait. */
const cut = (id: string, number: number, words: readonly string[]) =>
  [
    ['redemption', 'revoke', id, '--cut', ...words, '--data-dir', data],
    { clockOffsetMs: number * MINUTE_MS },
  ] as const;

describe('a killed cut', () => {
  it.each(RUNS.flatMap(({ moments }, index) => moments.map((moment) => [index + 1, moment] as const)))(
    'continues with the same command after a kill in run %d at %s, and ends with only the new CA',
    async (fatal, moment) => {
      const [{ id }] = await list('redemption');
      const [{ sha256: old }] = (await list('issuer')).filter(isOfLinks);
      for (const [index, { words, shows }] of RUNS.entries()) {
        const number = index + 1;
        const [command, conditions] = cut(id, number, words);
        if (number !== fatal) {
          expect(await succeed(command, conditions)).toContain(shows);
          continue;
        }
        expect((await run(command, { ...conditions, killedAt: moment })).signal).toBe('SIGKILL');
        expect(await succeed(command, conditions)).toContain(shows);
      }
      const cas = (await list('issuer')).filter(isOfLinks);
      expect(cas).toMatchObject([{ state: 'active' }]);
      expect(cas[0].sha256).not.toBe(old);
      expect(
        (await list('redemption')).map((one: { revokedAt?: string }) => one.revokedAt !== undefined),
      ).toEqual([true, false]);
    },
  );
});

const isOfLinks = ({ issuer }: { readonly issuer: string }) => issuer === 'skupper-site-ca';
