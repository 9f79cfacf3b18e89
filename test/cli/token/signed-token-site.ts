import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { type Ended, json, linkgrant, type RunOptions } from '../../support/command-line.js';

/** The AccessToken in a file. */
export const read = (file: string) => parse(readFileSync(file, 'utf8'));

/** What `token inspect` reports about the token in a file. */
export const inspect = async (file: string, ...words: readonly string[]) =>
  json(await linkgrant(['token', 'inspect', file, '-o', 'json', ...words]));

/** Starts the service of an accepting site that issues signed tokens. */
export async function openSignedTokenSite() {
  const { place, dataDir, service, report, ...site } = await openAcceptingSite();
  /** The number in the name of the latest site or token file. */
  let lastNumber = 0;

  /** Runs a command on the data directory of the service, and expects the exit code `ends`. */
  async function run(
    words: readonly string[],
    { ends = 0, ...options }: RunOptions & { ends?: number } = {},
  ): Promise<Ended> {
    const ended = await linkgrant([...words, '--data-dir', dataDir], options);
    expect(ended.code, ended.stderr).toBe(ends);
    return ended;
  }

  return {
    ...{ place, dataDir, service, run },
    /** Creates a grant for ten redemptions within two hours. Returns its report. */
    hub: (name: string, ...words: readonly string[]) =>
      report('grant', 'create', name, '--redemptions-allowed', '10', '--expiration-window', '2h', ...words),
    shown: (grant: string) => report('grant', 'show', grant),
    listed: (...words: readonly string[]) => report('token', 'list', ...words),
    /** Redeems as another site: with a data directory of its own. */
    redeem(file: string, ...words: readonly string[]): Promise<Ended> {
      lastNumber += 1;
      return site.redeem(file, `site-${lastNumber}`, ...words);
    },
    /** Writes a signed token of a grant. Returns its file. */
    async issue(grant: string, ...words: readonly string[]): Promise<string> {
      lastNumber += 1;
      const file = place.path(`token-${lastNumber}.yaml`);
      await run(['token', 'issue', file, '--grant', grant, ...words]);
      return file;
    },
  };
}
