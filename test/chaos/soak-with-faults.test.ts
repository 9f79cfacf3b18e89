import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { directoryForTest } from '../support/release.js';
import { checkRound, type SiteOutcome, type StoredRound } from './soak/check-round.js';
import { memoryGrowth } from './soak/memory-growth.js';
import { type SoakReport, summaryOf } from './soak/run-soak.js';

const MAIN = fileURLToPath(new URL('soak/main.mjs', import.meta.url));
const { REDEMPTIONS = '3600', SEED = String(randomInt(2 ** 31)) } = process.env;
/** The growth limit of a worker, in MiB for 100,000 redemptions. In a run of fewer than `fromRedemptions`, one step of V8's heap exceeds it. */
const MEMORY = { mostPer100k: 1, fromRedemptions: 1_000_000 };
const DAY_MS = 86_400_000;

it(
  `${REDEMPTIONS} redemptions with kills, full disks, moved clocks and lost responses (SEED=${SEED}): none lost, double or burnt`,
  () => {
    const options = { directory: directoryForTest(), redemptions: Number(REDEMPTIONS), seed: Number(SEED) };
    const userNamespace = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const command = [...userNamespace, '--mount', process.execPath, MAIN, JSON.stringify(options)];
    const output = execFileSync('unshare', command, {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const report: SoakReport = JSON.parse(output);
    console.log(summaryOf(report));
    const { lost, double, burnt, unexpected, faults, clients, recorded, memory } = report;
    expect({ lost, double, burnt, unexpected }).toEqual({ lost: [], double: [], burnt: [], unexpected: [] });
    expect(recorded).toBeGreaterThanOrEqual(options.redemptions);
    expect(Object.entries(faults).filter(([, count]) => count === 0)).toEqual([]);
    for (const count of ['refused', 'lost', 'broken', 'unavailable', 'repeated'] as const)
      expect(clients[count], count).toBeGreaterThan(0);
    expect(clients.failed).toBe(0);
    if (recorded < MEMORY.fromRedemptions) return;
    for (const grown of memoryGrowth(memory)) expect(grown).toBeLessThan(MEMORY.mostPer100k);
  },
  DAY_MS,
);

describe('the check of a round', () => {
  const site = (key: string, ...certificates: string[]): SiteOutcome => ({
    ...{ grantUid: 'grant', jti: 'code', keySha256: key, certificates: new Set(certificates) },
  });
  const record = (key: string, certificate: string) => ({
    ...{ grant_uid: 'grant', jti: 'code', key_sha256: key, certificate_sha256: certificate },
  });
  const counted = (used: number) => {
    const limit = { grant_uid: 'grant', uses: 2, used };
    return { grants: [limit], codes: [{ ...limit, jti: 'code' }] };
  };
  const sites = [site('a', 'A'), site('b', 'B'), site('refused')];
  const redemptions = [record('a', 'A'), record('b', 'B')];
  const kinds = (found: readonly SiteOutcome[], stored: StoredRound) =>
    Object.entries(checkRound(found, stored)).flatMap(([kind, faults]) => (faults.length > 0 ? [kind] : []));

  it('finds nothing if each certificate has a record and each use a certificate', () => {
    expect(kinds(sites, { redemptions, ...counted(2) })).toEqual([]);
  });

  it.each<[string, readonly SiteOutcome[], StoredRound, readonly string[]]>([
    ['a record is missing', sites, { redemptions: redemptions.slice(1), ...counted(2) }, ['lost', 'burnt']],
    [
      'the record has another certificate',
      sites,
      { redemptions: [record('a', 'C'), record('b', 'B')], ...counted(2) },
      ['lost', 'burnt'],
    ],
    [
      'a request got a second certificate',
      [site('a', 'A', 'C'), ...sites.slice(1)],
      { redemptions, ...counted(2) },
      ['lost', 'double'],
    ],
    [
      'a request has two records',
      sites,
      { redemptions: [...redemptions, record('a', 'C')], ...counted(2) },
      ['lost', 'double', 'burnt'],
    ],
    [
      'a certificate has two records',
      sites,
      { redemptions: [record('a', 'A'), record('b', 'A')], ...counted(2) },
      ['lost', 'double', 'burnt'],
    ],
    ['a use is counted twice', sites, { redemptions, ...counted(3) }, ['burnt']],
    ['a use is not counted', sites, { redemptions, ...counted(1) }, ['burnt']],
    [
      'a refused request has a record',
      [site('a', 'A'), site('b')],
      { redemptions, ...counted(2) },
      ['burnt'],
    ],
    [
      'a request was refused although a use was left',
      [site('a', 'A'), site('b')],
      { redemptions: redemptions.slice(0, 1), ...counted(1) },
      ['burnt'],
    ],
    ['a record belongs to no request', sites.slice(1), { redemptions, ...counted(2) }, ['burnt']],
  ])('fails if %s', (_, found, stored, expected) => {
    expect(kinds(found, stored)).toEqual(expected);
  });
});

describe('the growth of memory', () => {
  it('is the slope of each worker after the first third of the samples', () => {
    const at = [0, 50_000, 100_000, 150_000, 200_000, 250_000];
    const samples = at.map((redeemed, index) => ({
      redeemed,
      // Before the first third, both workers grow fast.
      workers: index < 2 ? [redeemed / 1_000, redeemed / 1_000] : [200, 200 + redeemed / 100_000],
    }));
    const [flat, growing] = memoryGrowth(samples);
    expect(flat).toBeCloseTo(0);
    expect(growing).toBeCloseTo(1);
  });
});
