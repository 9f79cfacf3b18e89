import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  ENDPOINT,
  type Ended,
  expectSuccess,
  json,
  linkgrant,
  type Serving,
  Workplace,
} from './command-line.js';
import { releaseAfterFile } from './release.js';

/** An accepting site of the standalone platform, whose service runs until the tests of the file have ended. */
export interface AcceptingSite {
  readonly place: Workplace;
  readonly dataDir: string;
  /** The flag `--data-dir` with the data directory of the site. */
  readonly data: readonly string[];
  readonly service: Serving;
  /** Runs a command on the data directory of the site. */
  run(...words: readonly string[]): Promise<Ended>;
  /** Runs a command on the data directory of the site, and returns what it reports with `-o json`. */
  // biome-ignore lint/suspicious/noExplicitAny: reports of many shapes.
  report(...words: readonly string[]): Promise<any>;
  /** Issues a token with this name into a file. Returns the file. */
  issue(name: string, ...words: readonly string[]): Promise<string>;
  /** Redeems a token as the requesting site with this data directory; without `--to`, into `links` in that directory. */
  redeem(token: string, site: string, ...words: readonly string[]): Promise<Ended>;
}

/** Starts the service of an accepting site in a new directory. */
export async function openAcceptingSite(flags: readonly string[] = ENDPOINT): Promise<AcceptingSite> {
  const place = releaseAfterFile(new Workplace());
  const dataDir = place.path('data');
  const data = ['--data-dir', dataDir];
  const run: AcceptingSite['run'] = (...words) => linkgrant([...words, ...data]);
  return {
    ...{ place, dataDir, data, run },
    service: await place.serve([...data, ...flags]),
    report: async (...words) => json(expectSuccess(await run(...words, '-o', 'json'))),
    async issue(name, ...words) {
      const file = place.path(`${name}.yaml`);
      expectSuccess(await run('token', 'issue', file, '--name', name, ...words));
      return file;
    },
    redeem(token, site, ...words) {
      const to = words.includes('--to') ? [] : ['--to', place.path(site, 'links')];
      return linkgrant(['token', 'redeem', token, '--data-dir', place.path(site), ...to, ...words]);
    },
  };
}

/** The files that all hosts of a service have in common. */
const HOST_FILES: readonly string[] = ['issuers', 'code-keys', 'ledger.key'];

/** Creates the data directory of another host of a service, with these files of its first host. */
export function addHost(firstDirectory: string, directory: string, files = HOST_FILES): void {
  mkdirSync(directory, { mode: 0o700 });
  for (const file of files) cpSync(join(firstDirectory, file), join(directory, file), { recursive: true });
}

/** Issues a token on a data directory. Returns its text, and the fields of the AccessToken that a client needs. */
export async function issueToken(
  dataDir: string,
  ...words: readonly string[]
): Promise<{ text: string; url: string; code: string; ca: string }> {
  const issue = ['token', 'issue', '-', ...words, '--data-dir', dataDir];
  const { stdout } = expectSuccess(await linkgrant(issue));
  return { text: stdout, ...parse(stdout).spec };
}
