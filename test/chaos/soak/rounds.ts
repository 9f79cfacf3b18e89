import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { readSignedCode } from '../../../src/codes/signed-code.js';
import { expectSuccess, linkgrant } from '../../support/command-line.js';
import { csrHeader, keySha256, newKey } from '../../support/redeemed-answer.js';
import type { Chance, Site } from './clients.js';

/** The sites of a round in random order, and the CA of the service. */
export interface Round {
  readonly sites: Site[];
  readonly ca: string;
}

/** The code of a grant, or a signed code of it. */
type RoundCode = Pick<Site, 'grantUid' | 'jti' | 'code'>;

/** A key of a site. It is used again in each round, whose grants are new. */
export type SiteKey = Pick<Site, 'keySha256' | 'csr'>;

/** The sites and uses of a round: those of the code of a grant, and those of each signed code of another grant. */
const GRANT = { sites: 1_600, uses: 1_500 };
const CODES = { count: 100, sites: 4, uses: 3 };

/** Creates the keys of the sites of a round. */
export function makeKeys(): SiteKey[] {
  return Array.from({ length: GRANT.sites }, () => {
    const key = newKey();
    return { keySha256: keySha256(key), ...csrHeader(key) };
  });
}

/**
 * Creates two grants and the sites that redeem them, more than they have uses. `place` are the flags for the store. The names of the
 * grants begin with `name`, and tokens are written into a directory of that name.
 */
export async function makeRound(
  {
    directory,
    place,
    name,
  }: { readonly directory: string; readonly place: readonly string[]; readonly name: string },
  keys: readonly SiteKey[],
  chance: Chance,
): Promise<Round> {
  const run = async (...words: string[]) => expectSuccess(await linkgrant([...words, ...place])).stdout;
  const limits = (uses: number) => ['--redemptions-allowed', String(uses), '--expiration-window', '2d'];
  const first = await run('token', 'issue', '-', '--name', `${name}-grant`, ...limits(GRANT.uses));
  await run('grant', 'create', `${name}-codes`, ...limits(CODES.count * CODES.uses));
  const tokens = `${directory}/${name}`;
  mkdirSync(tokens);
  const each = ['--count', String(CODES.count), '--redemptions-allowed', String(CODES.uses)];
  await run('token', 'issue', tokens, '--grant', `${name}-codes`, ...each);
  const signed = readdirSync(tokens).map((file) => readToken(readFileSync(`${tokens}/${file}`, 'utf8')));
  const codes = [
    ...Array.from({ length: GRANT.sites }, () => readToken(first)),
    ...signed.flatMap((code) => Array.from({ length: CODES.sites }, () => code)),
  ];
  const sites = codes.map((code, index) => {
    const key = keys[index % keys.length] as SiteKey;
    return { ...code, ...key, subject: `site-${index}`, certificates: new Set<string>() };
  });
  return { sites: shuffle(sites, chance), ca: parse(first).spec.ca };
}

function readToken(text: string): RoundCode {
  const { url, code } = parse(text).spec;
  return { grantUid: new URL(url).pathname.slice(1), jti: readSignedCode(code)?.jti ?? null, code };
}

function shuffle<T>(items: T[], { below }: Chance): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = below(last + 1);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}
